"""The condition of segments about tags."""

from collections.abc import Collection, Iterable

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts.models import Tag
from contacts.segments import predicates
from contacts.segments.kinds import ConditionKind, Context, Match, Subject, ids, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, put
from contacts.segments.wording import day

# Tags to choose from, by name.
MOST = 500

TAGGED = (
    Operator("has", gettext_lazy("has it"), gettext_lazy("has the tag {subject}")),
    Operator(
        "has_not", gettext_lazy("does not have it"), gettext_lazy("does not have the tag {subject}")
    ),
    Operator(
        "got_last_days",
        gettext_lazy("got it in the last … days"),
        ngettext_lazy(
            "got the tag {subject} in the last {value} day",
            "got the tag {subject} in the last {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
)


def _subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    own = Tag.objects.filter(workspace=workspace_id)
    rows = dict(own.order_by("key").values_list("pk", "name")[:MOST])
    rows |= dict(own.filter(pk__in=ids(keys)).values_list("pk", "name"))
    return [Subject(str(pk), name, TAGGED, named=True) for pk, name in rows.items()]


def _compile(one: Condition, _subject: Subject, context: Context) -> Match:
    rows = put(
        "SELECT t.contact_id FROM contacts_contacttag t WHERE t.tag_id = {}",
        given(int(one.subject), "bigint"),
    )
    if one.operator == "got_last_days":
        within = predicates.lately(Sql("t.created_at"), one.values, context)
        rows = put("{} AND {}", rows, within)
    return Match(rows, people=True, without=one.operator == "has_not")


def _value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    return put(
        "(SELECT t.created_at::date::text FROM contacts_contacttag t"
        " WHERE t.contact_id = c.id AND t.tag_id = {})",
        given(int(one.subject), "bigint"),
    )


def _told(_subject: Subject, value: str | None) -> str:
    return _("since {day}").format(day=day(value)) if value else _("does not have it")


kinds.add(
    ConditionKind("tag", gettext_lazy("Tag"), _subjects, _compile, _value, _told),
    order=35,
)
