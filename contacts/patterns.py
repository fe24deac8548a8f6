"""Patterns of addresses, such as `noreply*@*` or `*@*.example.com`. Pure.

An asterisk stands for any characters, none included; everything else stands for itself. There is
nothing more to it: a free regular expression could match everybody by mistake, or take for ever.
"""

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from contacts import addresses
from contacts.exceptions import ContactsError

MANY = "*"
# Addresses compared with a pattern cost time for each asterisk.
MOST_ASTERISKS = 4
# How many patterns a workspace may have, and the installation: each recipient is compared with all.
MOST = 100
# Letters and digits that a pattern needs: with fewer, it would match nearly everybody.
LEAST_LETTERS = 2

LOCAL = re.compile(rf"[.{addresses.ATEXT}]+", re.ASCII)
DOMAIN = re.compile(r"[a-z0-9.*-]+", re.ASCII)
# What LIKE takes for something else.
SPECIAL = re.compile(r"([\\%_])")

SENTENCES: dict[str, Promise] = {
    "everybody": _(
        "This pattern would match nearly everybody: besides *, it needs two letters or digits."
    ),
    "asterisks": _("A pattern can have four * at most."),
    "several_at": _("A pattern has one @."),
    "local": _(
        "The part before the @ can have letters a-z, digits, signs of addresses, and * for any "
        "characters."
    ),
    "domain": _(
        "The part after the @ can have letters, digits, dots and hyphens, and * for any characters."
    ),
    "dots": _("The part after the @ begins or ends with a dot, or has two in a row."),
    "long": _("The pattern is too long."),
}


class PatternError(ContactsError, ValueError):
    """The text is no pattern. `reason` is a key of SENTENCES."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return str(SENTENCES[self.reason])


@dataclass(frozen=True, slots=True)
class Pattern:
    """`domain`: it matches exactly the addresses of this domain; "" for others."""

    text: str
    domain: str = ""

    @property
    def like_text(self) -> str:
        """The same for LIKE, with its default escape character."""
        return SPECIAL.sub(r"\\\1", self.text).replace(MANY, "%")


def is_pattern(text: str) -> bool:
    return MANY in text


def read(text: str) -> Pattern:
    """The pattern in its normal form: lower case, domain as A-labels. Without an @ it is about
    domains. Raises PatternError."""
    bare = addresses.INVISIBLE.sub("", text).translate(addresses.FULL_WIDTH).strip().lower()
    if len(bare) > addresses.MAX_ADDRESS:
        raise PatternError("long")
    bare = re.sub(r"\*+", MANY, bare)
    local, at, domain = bare.partition("@")
    if not at:
        local, domain = MANY, bare
    if "@" in domain:
        raise PatternError("several_at")
    if not LOCAL.fullmatch(local):
        raise PatternError("local")
    domain = _domain(domain)
    found = f"{local}@{domain}"
    _check_size(found)
    return Pattern(found, domain if local == MANY and MANY not in domain else "")


def _domain(domain: str) -> str:
    if domain.startswith(".") or domain.endswith(".") or ".." in domain:
        raise PatternError("dots")
    labels = domain.split(".")
    if MANY not in domain:
        return _whole(domain)
    if not domain.isascii():
        labels = [label if label.isascii() else _label(label) for label in labels]
    found = ".".join(labels)
    if not DOMAIN.fullmatch(found):
        raise PatternError("domain")
    return found


def _whole(domain: str) -> str:
    try:
        return addresses.normalise_domain(domain)
    except addresses.AddressError as error:
        raise PatternError("domain") from error


def _label(label: str) -> str:
    """A label in Unicode as an A-label. One with an asterisk is refused: the A-label depends on all
    of its letters."""
    if MANY in label:
        raise PatternError("domain")
    return _whole(f"{label}.example").removesuffix(".example")


def _check_size(text: str) -> None:
    if len(text) > addresses.MAX_ADDRESS:
        raise PatternError("long")
    if text.count(MANY) > MOST_ASTERISKS:
        raise PatternError("asterisks")
    if sum(character.isalnum() for character in text) < LEAST_LETTERS:
        raise PatternError("everybody")
