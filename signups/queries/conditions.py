"""The condition of segments about forms: who signed up by one, and when."""

from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts.segments import predicates
from contacts.segments.kinds import ConditionKind, Context, Match, Subject, ids, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, put
from contacts.segments.wording import day
from signups.models import SignupForm

# Forms to choose from, by name.
MOST = 500

OPERATORS = (
    Operator("signed_up", gettext_lazy("signed up by it"), gettext_lazy("signed up by {subject}")),
    Operator(
        "not_signed_up",
        gettext_lazy("did not sign up by it"),
        gettext_lazy("did not sign up by {subject}"),
    ),
    Operator(
        "signed_up_last_days",
        gettext_lazy("signed up by it in the last … days"),
        ngettext_lazy(
            "signed up by {subject} in the last {value} day",
            "signed up by {subject} in the last {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
)


def _subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    own = SignupForm.objects.filter(workspace=workspace_id)
    rows = dict(own.order_by("name").values_list("pk", "name")[:MOST])
    rows |= dict(own.filter(pk__in=ids(keys)).values_list("pk", "name"))
    return [Subject(str(pk), name, OPERATORS, named=True) for pk, name in rows.items()]


def _compile(one: Condition, _subject: Subject, context: Context) -> Match:
    """Confirmed sign-ups only, by the index signup_by_form."""
    rows = put(
        "SELECT s.contact_id FROM signups_signup s WHERE s.form_id = {}"
        " AND s.state = 'confirmed' AND s.contact_id IS NOT NULL",
        given(int(one.subject), "bigint"),
    )
    if one.operator == "signed_up_last_days":
        within = predicates.lately(Sql("s.confirmed_at"), one.values, context)
        rows = put("{} AND {}", rows, within)
    return Match(rows, people=True, without=one.operator == "not_signed_up")


def _value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    return put(
        "(SELECT max(s.confirmed_at)::date::text FROM signups_signup s"
        " WHERE s.contact_id = c.id AND s.form_id = {} AND s.state = 'confirmed')",
        given(int(one.subject), "bigint"),
    )


def _told(_subject: Subject, value: str | None) -> str:
    if value is None:
        return _("did not sign up")
    return _("signed up on {day}").format(day=day(value))


kinds.add(
    ConditionKind("form", gettext_lazy("Form"), _subjects, _compile, _value, _told),
    order=45,
)
