"""The condition of segments about the consent for counting opens."""

from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.segments.kinds import ConditionKind, Context, Match, Subject, kinds
from contacts.segments.operators import Operator
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql

ANSWERS = (
    Operator("given", gettext_lazy("is given"), gettext_lazy("agreed to the counting of opens")),
    Operator(
        "not_given",
        gettext_lazy("is not given"),
        gettext_lazy("did not agree to the counting of opens, or withdrew the consent"),
    ),
    Operator(
        "withdrawn",
        gettext_lazy("is refused or withdrawn"),
        gettext_lazy("refused the counting of opens, or withdrew the consent"),
    ),
)
ROWS = "SELECT o.contact_id FROM contacts_openconsent o WHERE "


def _subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    return [Subject("opens", gettext_lazy("Consent for counting opens"), ANSWERS)]


def _compile(one: Condition, _subject: Subject, _context: Context) -> Match:
    given = "NOT o.given" if one.operator == "withdrawn" else "o.given"
    return Match(Sql(ROWS + given), people=True, without=one.operator == "not_given")


def _value(_one: Condition, _subject: Subject, _context: Context) -> Sql:
    return Sql("(SELECT o.given::text FROM contacts_openconsent o WHERE o.contact_id = c.id)")


def _told(_subject: Subject, value: str | None) -> str:
    if value is None:
        return _("no answer")
    return _("given") if value == "true" else _("refused or withdrawn")


kinds.add(
    ConditionKind(
        "open_consent",
        gettext_lazy("Contact"),
        _subjects,
        _compile,
        _value,
        _told,
        flat=True,
    ),
    order=12,
)
