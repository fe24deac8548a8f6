"""The columns of the table of contacts: which there are, and those that a person chose.

The address is always the first one. A column has a key, which is stored: its own name, or
"attribute:" with the key of an attribute.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from contacts.models import Attribute
from contacts.queries import consent

OF_ATTRIBUTE = "attribute:"
# A table with more would show nothing of each; a stored choice is never longer.
MOST = 40
# Attributes among the columns that nobody has chosen.
FIRST_ATTRIBUTES = 3


@dataclass(frozen=True, slots=True)
class Column:
    """`kind`: how a cell is shown (contacts.templatetags.peoplerows). `sort`: its sort order."""

    key: str
    label: str | Promise
    kind: str
    attribute: Attribute | None = None
    sort: str = ""
    # The number of the value, for a column of contacts.queries.consent.engagement.
    number: int = 0


BEFORE = (
    Column("name", _("Name"), "name"),
    Column("first_name", _("First name"), "first_name"),
    Column("last_name", _("Last name"), "last_name"),
    Column("domain", _("Domain"), "domain"),
    Column("status", _("Status"), "status"),
    Column("lists", _("Lists"), "lists"),
    Column("tags", _("Tags"), "tags"),
)
AFTER = (
    Column("added", _("Added"), "added", sort="added"),
    Column("updated", _("Last changed"), "updated"),
)


def available(workspace: Workspace) -> list[Column]:
    """All columns, in the order in which they are offered; one query."""
    attributes = [
        Column(OF_ATTRIBUTE + one.key, one.label, "attribute", attribute=one)
        for one in Attribute.objects.filter(workspace=workspace)
    ]
    engagement = [
        Column(name, label, "moment", number=number)
        for number, (name, label) in enumerate(consent.engagement_labels())
    ]
    return [*BEFORE, *attributes, *AFTER[:1], *engagement, *AFTER[1:]]


def standard(columns: Iterable[Column], *, tags: bool) -> list[Column]:
    """The columns if nobody has chosen: lists, tags if there are any, the first attributes, and
    when the contact was added."""
    found = list(columns)
    attributes = [one for one in found if one.attribute][:FIRST_ATTRIBUTES]
    by_key = {one.key: one for one in found}
    around = ["lists", "tags"] if tags else ["lists"]
    return [*(by_key[key] for key in around), *attributes, by_key["added"]]


@dataclass(frozen=True, slots=True)
class Choice:
    """Chosen columns, and the keys of those that are gone, such as a deleted attribute."""

    columns: list[Column]
    gone: list[str]

    @property
    def keys(self) -> list[str]:
        return [column.key for column in self.columns]


def chosen(columns: Iterable[Column], keys: Sequence[object]) -> Choice:
    """The columns with these stored or posted keys, in their order, each once."""
    by_key = {column.key: column for column in columns}
    wanted = list(dict.fromkeys(str(key) for key in keys))[:MOST]
    gone = [key.removeprefix(OF_ATTRIBUTE) for key in wanted if key not in by_key]
    return Choice([by_key[key] for key in wanted if key in by_key], gone)


def ordered(columns: Iterable[Column], keys: Sequence[str]) -> list[Column]:
    """All columns for a form: the chosen ones first, in their order."""
    found = list(columns)
    first = chosen(found, keys).columns
    return [*first, *(column for column in found if column not in first)]
