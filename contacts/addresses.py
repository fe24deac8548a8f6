"""E-mail addresses: one normal form for each, so that a mailbox is one contact. Pure.

`normalise` accepts what people paste (`Name <a@b>`, `mailto:`, full-width ＠ and 。, spaces,
no-break and zero-width characters around it, a leading apostrophe) and returns lower case with the
domain as A-labels; `several` splits a cell with more than one address; `display` shows the domain
in Unicode. Syntax: RFC 5321 4.1.2, with dot-atom local parts only (a quoted one that needs no
quotes loses them), RFC 5321 4.5.3.1 lengths, IDNA 2008 with the UTS 46 mapping. Domains without a
dot, address literals and local parts beyond ASCII are refused: hardly any relay delivers to them.
"""

import re
from contextlib import suppress

import idna

from contacts import rejects
from contacts.exceptions import ContactsError

ATEXT = r"a-z0-9!#$%&'*+/=?^_`{|}~-"
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
LOCAL = re.compile(rf"[{ATEXT}]+(?:\.[{ATEXT}]+)*", re.ASCII)
DOMAIN = re.compile(rf"(?:{LABEL}\.)+{LABEL}", re.ASCII)
# Matches most addresses of a file, which need no cleaning or conversion. A leading apostrophe is a
# spreadsheet's.
PLAIN = re.compile(
    rf"(?!')(?=[^@]{{1,64}}@)[{ATEXT}]+(?:\.[{ATEXT}]+)*@(?!xn--|.*\.xn--)(?:{LABEL}\.)+[a-z]{{2,63}}",
    re.ASCII,
)
FULL_WIDTH = str.maketrans({"＠": "@", "﹫": "@", "。": ".", "．": ".", "｡": "."})
QUOTES = str.maketrans(dict.fromkeys("＂“”„«»", '"'))
# Zero-width characters, direction marks, byte-order mark, soft hyphen: never part of an address.
INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\0]")
NAMED = re.compile(r"[^<>]*<([^<>]*)>\s*", re.DOTALL)
QUOTED = re.compile(r'"([^"\\]+)"')
BETWEEN = re.compile(r"[,;|、，；\s]|:::")
# Text that may be one of several addresses in a cell.
WORD = re.compile(r"""[^\s,;:|、，；<>()"]++""")
# A longer text is refused before any pattern is matched: matching may take quadratic time.
MAX_CELL = 1000
MAX_ADDRESS = 254
MAX_LOCAL = 64
MAX_DOMAIN = 253

# RFC 2142, and others that companies use.
ROLES = frozenset(
    "abuse admin billing contact donotreply do-not-reply ftp help hostmaster hr info jobs "
    "mailer-daemon marketing news noc noreply no-reply office postmaster press privacy root sales "
    "security service support usenet uucp webmaster www".split()
)


class AddressError(ContactsError, ValueError):
    """The text is no address that can be mailed. `reason` is a code of contacts.rejects."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return rejects.text(self.reason)


def normalise(text: str) -> str:
    """The normal form of the address; raises AddressError with the reason if it is invalid."""
    text = text.strip()
    if len(text) > MAX_CELL:
        raise AddressError("cell_long")
    plain = text.lower()
    if PLAIN.fullmatch(plain) and len(plain) <= MAX_ADDRESS:
        return plain
    return _checked(_bare(text))


def several(text: str) -> list[str]:
    """The valid addresses of a cell with more than one, each once; raises AddressError if there is
    none."""
    if len(text) > MAX_CELL:
        raise AddressError("cell_long")
    bare = INVISIBLE.sub("", text).translate(FULL_WIDTH)
    found: dict[str, None] = {}
    words = (word.strip("@") for word in WORD.findall(bare))
    for word in words:
        with suppress(AddressError):
            found[normalise(word)] = None
    if not found:
        raise AddressError("several_addresses")
    return list(found)


def in_line(text: str) -> list[str]:
    """The addresses of a pasted line: `a@b.cc;`, `Bo <a@b.cc>`, `"a@b.cc", d@e.ff`. A line without
    one is given as it is."""
    for read in (lambda line: [normalise(line)], several):
        with suppress(AddressError):
            return read(text.translate(QUOTES))
    return [text]


def normalise_domain(text: str) -> str:
    """A domain as A-labels in lower case; raises AddressError."""
    text = text.strip()
    if len(text) > MAX_CELL:
        raise AddressError("domain_too_long")
    bare = INVISIBLE.sub("", text).translate(FULL_WIDTH).strip().lstrip("@")
    if not bare:
        raise AddressError("no_domain")
    return _domain(bare)


def display(address: str) -> str:
    """The address (or domain) with the domain in Unicode, for people."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    try:
        return local + at + idna.decode(domain)
    except idna.IDNAError:
        return address


def is_role(address: str) -> bool:
    """Whether the address belongs to a role, not a person (info@, sales@, ...)."""
    return address.partition("@")[0].partition("+")[0] in ROLES


def _bare(text: str) -> str:
    """The address without the text that people and programs put around it."""
    bare = INVISIBLE.sub("", text).translate(FULL_WIDTH).strip()
    if _several(bare) and not NAMED.fullmatch(bare):
        raise AddressError("several_addresses")
    if match := NAMED.fullmatch(bare):
        bare = match[1].strip()
    if bare[:7].lower() == "mailto:":
        bare = bare[7:].partition("?")[0].strip()
    return bare.removeprefix("'")


def _several(text: str) -> bool:
    """Whether there is a separator of addresses between two @."""
    return BETWEEN.search(text, text.find("@") + 1, max(0, text.rfind("@"))) is not None


def _checked(bare: str) -> str:
    if not bare:
        raise AddressError("no_address")
    local, at, domain = bare.rpartition("@")
    if not at:
        raise AddressError("no_at")
    address = f"{_local(local)}@{_domain(domain)}"
    if len(address) > MAX_ADDRESS:
        raise AddressError("too_long")
    return address


def _local(local: str) -> str:
    if match := QUOTED.fullmatch(local):
        local = match[1]
    local = local.lower()
    reason = ""
    if not local:
        reason = "no_local"
    elif "@" in local:
        reason = "several_at"
    elif any(character.isspace() for character in local):
        reason = "space"
    elif local.startswith(".") or local.endswith(".") or ".." in local:
        reason = "local_dots"
    elif not local.isascii():
        reason = "local_not_ascii"
    elif not LOCAL.fullmatch(local):
        reason = "local_characters"
    elif len(local) > MAX_LOCAL:
        reason = "local_too_long"
    if reason:
        raise AddressError(reason)
    return local


def _domain(domain: str) -> str:
    reason = ""
    if not domain:
        reason = "no_domain"
    elif any(character.isspace() for character in domain):
        reason = "space"
    elif domain.startswith(".") or domain.endswith(".") or ".." in domain:
        reason = "domain_dots"
    elif "." not in domain and not domain.startswith("["):
        reason = "domain_no_dot"
    elif domain.startswith("[") or domain.rpartition(".")[2].isdigit():
        reason = "domain_numeric"
    if reason:
        raise AddressError(reason)
    return _a_labels(domain.lower())


def _a_labels(domain: str) -> str:
    """IDNA 2008 over the UTS 46 mapping; ASCII domains may also have labels that IDNA refuses
    ("co--op"), but not an "xn--" that decodes to nothing."""
    # A-labels are never shorter, and encoding takes quadratic time.
    if len(domain) > MAX_DOMAIN:
        raise AddressError("domain_too_long")
    if not domain.isascii() or "xn--" in domain:
        try:
            domain = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii")
            idna.decode(domain)
        except (idna.IDNAError, UnicodeError):
            raise AddressError("domain_invalid") from None
    if len(domain) > MAX_DOMAIN:
        raise AddressError("domain_too_long")
    if not DOMAIN.fullmatch(domain):
        raise AddressError("domain_invalid")
    return domain
