"""The condition of segments about tags."""

from collections.abc import Collection, Iterable

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts import tagnames
from contacts.models import Tag
from contacts.queries import keptpeople
from contacts.segments import predicates
from contacts.segments.kinds import ConditionKind, Context, Found, Match, Subject, ids, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, put
from contacts.segments.wording import day

# Tags to choose from, by name. The others are found by a search.
MOST = 500
# The subject of conditions on all tags.
ANY_TAG = "any"

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
WITH_ANY = (
    Operator("has", gettext_lazy("has one or more"), gettext_lazy("has a tag")),
    Operator("has_not", gettext_lazy("has none at all"), gettext_lazy("has no tag at all")),
    Operator(
        "got_last_days",
        gettext_lazy("got one in the last … days"),
        ngettext_lazy(
            "got a tag in the last {value} day", "got a tag in the last {value} days", "days"
        ),
        Takes.DAYS,
    ),
)


def _subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    own = Tag.objects.filter(workspace=workspace_id).order_by("key")
    rows = {tag.pk: tag for tag in (*own[:MOST], *own.filter(pk__in=ids(keys)))}
    found = _named(workspace_id, rows.values())
    return [Subject(ANY_TAG, gettext_lazy("any tag"), WITH_ANY), *found]


def _named(workspace_id: int, tags: Collection[Tag]) -> list[Subject]:
    missing = keptpeople.incomplete(workspace_id, [tag.pk for tag in tags if tag.keeps])
    return [
        Subject(
            str(tag.pk),
            tag.name,
            TAGGED,
            named=True,
            incomplete=missing[tag.pk].words if tag.pk in missing else "",
        )
        for tag in tags
    ]


def _search(workspace_id: int, text: str) -> Found:
    """Those whose name begins with the text come first."""
    key = tagnames.key_of(text[: tagnames.LONGEST])
    own = Tag.objects.filter(workspace=workspace_id, key__contains=key)
    first = own.alias(later=~Q(key__startswith=key)).order_by("later", "key")
    rows = list(first[:MOST])
    total = len(rows) if len(rows) < MOST else own.count()
    return Found(text, tuple(_named(workspace_id, rows)), total)


def _tags(one: Condition, context: Context) -> Sql:
    if one.subject == ANY_TAG:
        workspace = given(context.workspace_id, "bigint")
        return put("SELECT id FROM contacts_tag WHERE workspace_id = {} AND NOT keeps", workspace)
    return given(int(one.subject), "bigint")


def _compile(one: Condition, _subject: Subject, context: Context) -> Match:
    rows = put(
        "SELECT t.contact_id FROM contacts_contacttag t WHERE t.tag_id IN ({})",
        _tags(one, context),
    )
    if one.operator == "got_last_days":
        within = predicates.lately(Sql("t.created_at"), one.values, context)
        rows = put("{} AND {}", rows, within)
    return Match(rows, people=True, without=one.operator == "has_not")


def _value(one: Condition, _subject: Subject, context: Context) -> Sql:
    """The day of the latest."""
    return put(
        "(SELECT max(t.created_at)::date::text FROM contacts_contacttag t"
        " WHERE t.contact_id = c.id AND t.tag_id IN ({}))",
        _tags(one, context),
    )


def _told(subject: Subject, value: str | None) -> str:
    if subject.key == ANY_TAG:
        return _("the latest on {day}").format(day=day(value)) if value else _("has no tag")
    return _("since {day}").format(day=day(value)) if value else _("does not have it")


kinds.add(
    ConditionKind("tag", gettext_lazy("Tag"), _subjects, _compile, _value, _told, search=_search),
    order=35,
)
