"""The conditions of segments about contacts, their lists, imports and suppressions."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import addresses
from contacts.models import Attribute, Import, List, Subscription, Suppression
from contacts.queries import mailable
from contacts.queries.people import as_stored
from contacts.segmentmodels import Segment
from contacts.segments import compiling, operators, predicates
from contacts.segments.kinds import ConditionKind, Context, Match, Subject, kinds
from contacts.segments.nesting import SEGMENT
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, put
from pages import locales, numbers

# Imports to choose from: the latest.
MOST_IMPORTS = 100
NO_VALUE = "–"


def _text(_subject: Subject, value: str | None) -> str:
    return value or NO_VALUE


def _ids(keys: Collection[str]) -> list[int]:
    return [pk for key in keys if (pk := numbers.whole(key)) is not None]


# Attributes --------------------------------------------------------------------------------------


def _attributes(workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    for one in Attribute.objects.filter(workspace=workspace_id):
        choices = tuple((text, text) for text in one.choices)
        yield Subject(one.key, one.label, operators.BY_TYPE[one.type], choices, one.type)


def _attribute(one: Condition, subject: Subject, context: Context) -> Match:
    key = given(one.subject, "text")
    text, json = put("c.attributes ->> {}", key), put("c.attributes -> {}", key)
    match subject.type:
        case "number":
            return Match(predicates.number(put("({})", json), one))
        case "boolean":
            return Match(predicates.boolean(put("({})", json), one))
        case "date":
            return Match(predicates.date(put("({})", text), one, context.today))
        case _:
            return Match(predicates.text(put("({})", text), one))


def _attribute_told(subject: Subject, value: str | None) -> str:
    if value is None or value == "":
        return NO_VALUE
    if subject.type == "boolean":
        return _("Yes") if value == "true" else _("No")
    if subject.type == "date":
        return _day(value)
    return value


def _day(value: str) -> str:
    try:
        return locales.day(dt.date.fromisoformat(value[:10]))
    except ValueError:
        return value


kinds.add(
    ConditionKind(
        "attribute",
        gettext_lazy("Attributes"),
        _attributes,
        _attribute,
        lambda one, _subject, _context: put("c.attributes ->> {}", given(one.subject, "text")),
        _attribute_told,
        flat=True,
    ),
    order=20,
)


# Name, address, date -----------------------------------------------------------------------------

# {subject: (label, operators, SQL of its value)}
PERSON: Mapping[str, tuple[Promise, tuple[Operator, ...], str]] = {
    "email": (gettext_lazy("E-mail address"), operators.ALWAYS, "c.email"),
    "domain": (
        gettext_lazy("Domain of the address"),
        operators.ALWAYS,
        "split_part(c.email, '@', 2)",
    ),
    "first_name": (gettext_lazy("First name"), operators.TEXT, "c.first_name"),
    "last_name": (gettext_lazy("Last name"), operators.TEXT, "c.last_name"),
    "full_name": (gettext_lazy("Full name"), operators.TEXT, "c.full_name"),
    "created": (gettext_lazy("Date added"), operators.MOMENT, "c.created_at"),
}


def _person_subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    return [Subject(key, label, ways) for key, (label, ways, _sql) in PERSON.items()]


def _person(one: Condition, _subject: Subject, context: Context) -> Match:
    value = Sql(PERSON[one.subject][2])
    if one.subject == "created":
        return Match(predicates.moment(value, one, context.today, context.zone))
    if one.subject in {"email", "domain"}:
        typed = tuple(as_stored(str(text).removeprefix("@")) for text in one.values)
        one = Condition(one.kind, one.subject, one.operator, typed)
    return Match(predicates.text(value, one))


def _person_value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    return Sql(f"({PERSON[one.subject][2]})::text")


def _person_told(subject: Subject, value: str | None) -> str:
    if subject.key == "created":
        return _day(value or "")
    return (
        addresses.display(value or "") or NO_VALUE if subject.key == "email" else value or NO_VALUE
    )


kinds.add(
    ConditionKind(
        "person",
        gettext_lazy("Contact"),
        _person_subjects,
        _person,
        _person_value,
        _person_told,
        flat=True,
    ),
    order=10,
)


# Lists and consent -------------------------------------------------------------------------------

ANY_LIST = "any"


def _operator(
    key: str, label: Promise, sentence: Promise, takes: Takes = Takes.NOTHING
) -> Operator:
    return Operator(key, label, sentence, takes)


ON_LIST = (
    _operator(
        "subscribed", gettext_lazy("is subscribed"), gettext_lazy("is subscribed to {subject}")
    ),
    _operator(
        "not_subscribed",
        gettext_lazy("is not subscribed"),
        gettext_lazy("is not subscribed to {subject}"),
    ),
    _operator(
        "joined_last_days",
        gettext_lazy("subscribed in the last … days"),
        gettext_lazy("subscribed to {subject} in the last {value} days"),
        Takes.DAYS,
    ),
    _operator(
        "joined_before",
        gettext_lazy("is subscribed since before"),
        gettext_lazy("is subscribed to {subject} since before {value}"),
        Takes.DATE,
    ),
    _operator(
        "joined_after",
        gettext_lazy("is subscribed since after"),
        gettext_lazy("is subscribed to {subject} since after {value}"),
        Takes.DATE,
    ),
    _operator(
        "unsubscribed",
        gettext_lazy("has unsubscribed"),
        gettext_lazy("has unsubscribed from {subject}"),
    ),
    _operator(
        "left_last_days",
        gettext_lazy("unsubscribed in the last … days"),
        gettext_lazy("unsubscribed from {subject} in the last {value} days"),
        Takes.DAYS,
    ),
    _operator("never", gettext_lazy("was never on it"), gettext_lazy("was never on {subject}")),
)
# {operator: the day operator by which the subscription's time is compared}
DAYS = {
    "joined_last_days": "last_days",
    "joined_before": "before",
    "joined_after": "after",
    "left_last_days": "last_days",
}
OF_LISTS = "SELECT s.contact_id FROM contacts_subscription s WHERE s.list_id IN ({})"
STATUS = {"subscribed": "s.status = 'subscribed'", "unsubscribed": "s.status = 'unsubscribed'"}


def _lists(workspace_id: int, keys: Collection[str]) -> list[tuple[str, str | Promise]]:
    open_ones = Q(archived_at=None) | Q(pk__in=_ids(keys))
    found = List.objects.filter(open_ones, workspace=workspace_id).order_by("name")
    named = [(str(pk), name) for pk, name in found.values_list("pk", "name")]
    return [(ANY_LIST, gettext_lazy("any list")), *named]


def _list_subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    return [Subject(key, label, ON_LIST) for key, label in _lists(workspace_id, keys)]


def _chosen_lists(one: Condition, context: Context) -> Sql:
    if one.subject == ANY_LIST:
        workspace = given(context.workspace_id, "bigint")
        return put("SELECT id FROM contacts_list WHERE workspace_id = {}", workspace)
    return given(int(one.subject), "bigint")


def _list(one: Condition, _subject: Subject, context: Context) -> Match:
    rows = put(OF_LISTS, _chosen_lists(one, context))
    if one.operator == "never":
        return Match(rows, people=True, without=True)
    left = one.operator in {"unsubscribed", "left_last_days"}
    rows = put("{} AND " + STATUS["unsubscribed" if left else "subscribed"], rows)
    if one.operator in DAYS:
        at = Sql("s.changed_at" if left else "s.created_at")
        days = Condition(one.kind, one.subject, DAYS[one.operator], one.values)
        rows = put("{} AND {}", rows, predicates.moment(at, days, context.today, context.zone))
    return Match(rows, people=True, without=one.operator == "not_subscribed")


def _list_value(one: Condition, _subject: Subject, context: Context) -> Sql:
    """The status, and since when: subscribed wins if it is about any list."""
    return put(
        "(SELECT s.status || ' ' || CASE s.status WHEN 'subscribed' THEN s.created_at"
        " ELSE s.changed_at END::date FROM contacts_subscription s"
        " WHERE s.contact_id = c.id AND s.list_id IN ({}) ORDER BY s.status LIMIT 1)",
        _chosen_lists(one, context),
    )


def _list_told(_subject: Subject, value: str | None) -> str:
    if value is None:
        return _("not on it")
    status, _blank, day = value.partition(" ")
    words = dict(Subscription.Status.choices).get(status, status)
    return _("{status}, {day}").format(status=words, day=_day(day))


kinds.add(
    ConditionKind(
        "list",
        gettext_lazy("Subscription to a list"),
        _list_subjects,
        _list,
        _list_value,
        _list_told,
    ),
    order=30,
)

CONSENT = (
    _operator(
        "is",
        gettext_lazy("is"),
        gettext_lazy("consent for {subject} is {value}"),
        Takes.CHOICE,
    ),
    _operator(
        "is_not",
        gettext_lazy("is not"),
        gettext_lazy("consent for {subject} is not {value}"),
        Takes.CHOICE,
    ),
)


def _consent_subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    choices = tuple((str(key), label) for key, label in Subscription.Consent.choices)
    return [Subject(key, label, CONSENT, choices) for key, label in _lists(workspace_id, keys)]


def _consent(one: Condition, _subject: Subject, context: Context) -> Match:
    rows = put(
        OF_LISTS + " AND s.status = 'subscribed' AND s.consent = {}",
        _chosen_lists(one, context),
        given(one.values[0], "text"),
    )
    return Match(rows, people=True, without=one.operator == "is_not")


def _consent_value(one: Condition, _subject: Subject, context: Context) -> Sql:
    return put(
        "(SELECT string_agg(DISTINCT s.consent, ' ') FROM contacts_subscription s"
        " WHERE s.contact_id = c.id AND s.status = 'subscribed' AND s.list_id IN ({}))",
        _chosen_lists(one, context),
    )


def _consent_told(subject: Subject, value: str | None) -> str:
    words = dict(subject.choices)
    return locales.listed([str(words.get(one, one)) for one in (value or "").split()]) or NO_VALUE


kinds.add(
    ConditionKind(
        "consent",
        gettext_lazy("Consent of subscribers"),
        _consent_subjects,
        _consent,
        _consent_value,
        _consent_told,
    ),
    order=40,
)


# Imports -----------------------------------------------------------------------------------------

IN_IMPORT = (
    _operator("in", gettext_lazy("has the contact"), gettext_lazy("is in the import {subject}")),
    _operator(
        "new", gettext_lazy("added the contact"), gettext_lazy("was added by the import {subject}")
    ),
    _operator(
        "not_in",
        gettext_lazy("does not have the contact"),
        gettext_lazy("is not in the import {subject}"),
    ),
)


def _import_subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    ended = Import.objects.filter(workspace=workspace_id, state=Import.State.FINISHED)
    latest = ended.order_by("-pk").values_list("pk", "filename", "created_at")[:MOST_IMPORTS]
    wanted = ended.filter(pk__in=_ids(keys)).values_list("pk", "filename", "created_at")
    for pk, name, at in sorted({*latest, *wanted}, reverse=True):
        label = _("{file}, {day}").format(file=name, day=locales.day(at))
        yield Subject(str(pk), label, IN_IMPORT)


def _import(one: Condition, _subject: Subject, _context: Context) -> Match:
    rows = put(
        "SELECT i.contact_id FROM contacts_importedcontact i WHERE i.import_id = {}",
        given(int(one.subject), "bigint"),
    )
    if one.operator == "new":
        rows = put("{} AND i.outcome = 'new'", rows)
    return Match(rows, people=True, without=one.operator == "not_in")


def _import_value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    return put(
        "(SELECT i.outcome FROM contacts_importedcontact i"
        " WHERE i.contact_id = c.id AND i.import_id = {})",
        given(int(one.subject), "bigint"),
    )


OUTCOMES = {
    "new": gettext_lazy("added"),
    "updated": gettext_lazy("updated"),
    "unchanged": gettext_lazy("unchanged"),
}


def _import_told(_subject: Subject, value: str | None) -> str:
    return str(OUTCOMES.get(value, value)) if value else _("not in it")


kinds.add(
    ConditionKind(
        "import", gettext_lazy("Import"), _import_subjects, _import, _import_value, _import_told
    ),
    order=50,
)


# Suppressions ------------------------------------------------------------------------------------

SUPPRESSED = (
    _operator("yes", gettext_lazy("is suppressed"), gettext_lazy("is suppressed")),
    _operator("no", gettext_lazy("is not suppressed"), gettext_lazy("is not suppressed")),
    _operator(
        "because",
        gettext_lazy("is suppressed because of"),
        gettext_lazy("is suppressed because of: {value}"),
        Takes.CHOICE,
    ),
)
STOPPED = (
    "SELECT c.id AS contact_id FROM contacts_suppression s JOIN contacts_contact c"
    " ON c.workspace_id = s.workspace_id AND {rule} WHERE s.workspace_id = {{}}"
)
# For a contact `c`, by the two ways in which it may be suppressed.
WAYS = tuple(
    rule.format(row="s", workspace="c.workspace_id", address="c.email")
    for rule in (mailable.STOPS_ADDRESS, mailable.STOPS_DOMAIN)
)


def _suppressed_subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    choices = tuple((str(key), label) for key, label in Suppression.Reason.choices)
    return [Subject("", gettext_lazy("Suppression"), SUPPRESSED, choices)]


def _suppressed(one: Condition, _subject: Subject, context: Context) -> Match:
    ways = []
    for rule in WAYS:
        rows = put(STOPPED.format(rule=rule), given(context.workspace_id, "bigint"))
        if one.operator == "because":
            rows = put("{} AND s.reason = {}", rows, given(one.values[0], "text"))
        ways.append(rows)
    rows = put("{} UNION ALL {}", *ways)
    return Match(rows, people=True, without=one.operator == "no")


def _suppressed_value(_one: Condition, _subject: Subject, _context: Context) -> Sql:
    found = " UNION ALL ".join(
        f"SELECT s.reason FROM contacts_suppression s WHERE {rule}"  # noqa: S608 - ours
        for rule in WAYS
    )
    return Sql(f"(SELECT reason FROM ({found}) stop LIMIT 1)")  # noqa: S608 - ours


def _suppressed_told(subject: Subject, value: str | None) -> str:
    return str(dict(subject.choices).get(value, value)) if value else _("not suppressed")


kinds.add(
    ConditionKind(
        "suppressed",
        gettext_lazy("Contact"),
        _suppressed_subjects,
        _suppressed,
        _suppressed_value,
        _suppressed_told,
        flat=True,
    ),
    order=15,
)


# Other segments ----------------------------------------------------------------------------------

IN_SEGMENT = (
    _operator("in", gettext_lazy("has the contact"), gettext_lazy("is in the segment {subject}")),
    _operator(
        "not_in",
        gettext_lazy("does not have the contact"),
        gettext_lazy("is not in the segment {subject}"),
    ),
)


def _segment_subjects(workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    own = Segment.objects.filter(workspace=workspace_id).order_by("name")
    return [Subject(str(pk), name, IN_SEGMENT) for pk, name in own.values_list("pk", "name")]


def _segment(one: Condition, _subject: Subject, context: Context) -> Match:
    rows = compiling.people(context.rules[int(one.subject)], context)
    return Match(rows, people=True, without=one.operator == "not_in")


kinds.add(
    ConditionKind(
        SEGMENT,
        gettext_lazy("Another segment"),
        _segment_subjects,
        _segment,
        lambda _one, _subject, _context: Sql("NULL::text"),
        lambda _subject, _value: "",
    ),
    order=90,
)
