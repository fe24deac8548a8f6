"""The merge fields of a workspace's designs, and values for previews."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.mergenames import OF_PERSON, loop
from contacts.mergevalues import Chosen, YearDay
from contacts.models import Attribute, Contact
from contacts.queries.mergefields import merge_fields
from designs import language
from pages.registry import Registry

PEOPLE: dict[str, dict[str, Any]] = {
    "en": {
        "email": "lan.zhou@example.com",
        "first_name": "Lan",
        "last_name": "Zhou",
        "full_name": "Lan Zhou",
    },
    "zh": {
        "email": "lan.zhou@example.com",
        "first_name": "岚",
        "last_name": "周",
        "full_name": "周岚",
    },
}


# Those of an invented person. Nobody knows which fields the workspace's own objects have.
INVENTED_OBJECTS = [
    {"name": "A", "title": "A", "price": 42, "quantity": 1},
    {"name": "B", "title": "B", "price": 42, "quantity": 2},
]


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field. Completion offers `key`; the picker inserts `insert`."""

    key: str
    label: str
    group: str
    # The text for people without a value, in the language of the mail. "" if everybody has a value,
    # or if no word can replace it.
    default: str = ""
    # Whether the value is a list of objects.
    repeats: bool = False

    @property
    def expression(self) -> str:
        if self.repeats:
            return f"{self.key}|length"
        return f'{self.key}|default("{self.default}")' if self.default else self.key

    @property
    def insert(self) -> str:
        return loop(self.key) if self.repeats else f"{{{{ {self.expression} }}}}"


@dataclass(frozen=True, slots=True)
class SpecialField:
    """A merge field that only some mails have, such as the confirmation of a sign-up. In a campaign
    it is unknown. `sample` is shown in previews."""

    key: str
    label: str | Promise
    group: str | Promise
    sample: str


special: Registry[SpecialField] = Registry(key=attrgetter("key"))


# Defaults for a missing name, and for another missing text.
FRIEND = {"en": "friend", "zh": "朋友"}
YOUR = {"en": "your {label}", "zh": "您的{label}"}
NAMES = {"first_name", "last_name", "full_name"}
# Characters that would end the string or the expression around them.
NOT_IN_TEXT = str.maketrans("", "", '"\\{}%\n')


def _default(attribute: Attribute, language: str) -> str:
    """The default of a text attribute. No number or date can replace an unknown one."""
    if attribute.type not in {Attribute.Type.TEXT, Attribute.Type.CHOICE}:
        return ""
    label = attribute.label.translate(NOT_IN_TEXT).strip()
    if language == "en" and not label.isupper():
        label = label[:1].lower() + label[1:]
    return YOUR[language].format(label=label)


def language_of(parts: Mapping[str, str]) -> str:
    """The language of a mail; the reader's if the mail is still empty."""
    if any(text.strip() for text in parts.values()):
        return language.of_mail(parts)
    return "zh" if (get_language() or "en").startswith("zh") else "en"


def offered(workspace: Workspace, mail_language: str = "en") -> list[Field]:
    """The merge fields that the picker offers, in its order."""
    person, mail = _("Person"), _("Mail")
    friend = FRIEND[mail_language]
    names = {
        "email": _("E-mail address"),
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "full_name": _("Full name"),
    }
    attributes = Attribute.objects.filter(workspace=workspace)
    return [
        *(
            Field(key, label, person, friend if key in NAMES else "")
            for key, label in names.items()
        ),
        *(
            Field(
                one.key,
                one.label,
                person,
                _default(one, mail_language),
                repeats=one.type == Attribute.Type.OBJECTS,
            )
            for one in attributes
        ),
        Field("unsubscribe_url", _("Unsubscribe link"), mail),
        Field("preferences_url", _("Link to the person's preferences"), mail),
        Field("view_url", _("View in browser link"), mail),
        Field("workspace.name", _("Name of the workspace"), mail),
        Field("workspace.address", _("Postal address of the sender"), mail),
        *(Field(one.key, str(one.label), str(one.group)) for one in special),
    ]


def grouped(offered_ones: list[Field]) -> list[tuple[str, list[Field]]]:
    """[(group, fields)] for the options of a picker."""
    return [(group, list(each)) for group, each in groupby(offered_ones, lambda one: one.group)]


def known(workspace: Workspace) -> set[str]:
    """The names of the existing merge fields, for designs.checks."""
    keys = Attribute.objects.filter(workspace=workspace).values_list("key", flat=True)
    return {*OF_PERSON, *keys}


def known_in_designs(workspace: Workspace) -> set[str]:
    """The same with those that only some mails have: nobody knows yet what a design is for."""
    return known(workspace) | {one.key for one in special}


def samples() -> dict[str, str]:
    return {one.key: one.sample for one in special}


def of_workspace(workspace: Workspace) -> dict[str, str]:
    return {"name": workspace.name, "address": workspace.postal_address}


def values(workspace: Workspace, contact: Contact | None) -> dict[str, Any]:
    """The values for a mail to the contact; without a contact, those of an invented person."""
    known_ones: Mapping[str, Any] | None = None
    if contact is not None:
        known_ones = merge_fields(workspace.pk, [contact.pk]).get(contact.pk)
    return {**(known_ones or invented(workspace)), "workspace": of_workspace(workspace)}


def invented(workspace: Workspace) -> dict[str, Any]:
    """An invented person with a value in every field."""
    spoken = (get_language() or "en").partition("-")[0]
    attributes = Attribute.objects.filter(workspace=workspace)
    made = {attribute.key: _invented_value(attribute) for attribute in attributes}
    return {**made, **PEOPLE.get(spoken, PEOPLE["en"])}


def _invented_value(attribute: Attribute) -> Any:
    kinds, choices = Attribute.Type, attribute.choices or [attribute.label]
    today = timezone.localdate()
    made = {
        kinds.NUMBER: 42,
        kinds.DATE: today,
        kinds.DAY: YearDay(today.isoformat()[5:]),
        kinds.BOOLEAN: True,
        kinds.CHOICE: str(choices[0]),
        kinds.CHOICES: Chosen(choices[:2]),
        kinds.OBJECTS: INVENTED_OBJECTS,
    }
    return made.get(kinds(attribute.type), attribute.label)
