"""The conditions of segments about lists, and about the consent of subscribers."""

from collections.abc import Collection, Iterable

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from contacts.models import List, Subscription
from contacts.segments import predicates
from contacts.segments.kinds import ConditionKind, Context, Match, Subject, ids, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, put
from contacts.segments.wording import NO_VALUE, day
from pages import locales

ANY_LIST = "any"


ON_LIST = (
    Operator(
        "subscribed", gettext_lazy("is subscribed"), gettext_lazy("is subscribed to {subject}")
    ),
    Operator(
        "not_subscribed",
        gettext_lazy("is not subscribed"),
        gettext_lazy("is not subscribed to {subject}"),
    ),
    Operator(
        "joined_last_days",
        gettext_lazy("subscribed in the last … days"),
        ngettext_lazy(
            "subscribed to {subject} in the last {value} day",
            "subscribed to {subject} in the last {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
    Operator(
        "joined_before",
        gettext_lazy("is subscribed since before"),
        gettext_lazy("is subscribed to {subject} since before {value}"),
        Takes.DATE,
    ),
    Operator(
        "joined_after",
        gettext_lazy("is subscribed since after"),
        gettext_lazy("is subscribed to {subject} since after {value}"),
        Takes.DATE,
    ),
    Operator(
        "unsubscribed",
        gettext_lazy("has unsubscribed"),
        gettext_lazy("has unsubscribed from {subject}"),
    ),
    Operator(
        "left_last_days",
        gettext_lazy("unsubscribed in the last … days"),
        ngettext_lazy(
            "unsubscribed from {subject} in the last {value} day",
            "unsubscribed from {subject} in the last {value} days",
            "days",
        ),
        Takes.DAYS,
    ),
    Operator("never", gettext_lazy("was never on it"), gettext_lazy("was never on {subject}")),
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
    open_ones = Q(archived_at=None) | Q(pk__in=ids(keys))
    found = List.objects.filter(open_ones, workspace=workspace_id).order_by("name")
    named = [(str(pk), name) for pk, name in found.values_list("pk", "name")]
    return [(ANY_LIST, gettext_lazy("any list")), *named]


def _list_subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    return [
        Subject(key, label, ON_LIST, named=key != ANY_LIST)
        for key, label in _lists(workspace_id, keys)
    ]


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
    status, _blank, since = value.partition(" ")
    words = dict(Subscription.Status.choices).get(status, status)
    return _("{status}, {day}").format(status=words, day=day(since))


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
    Operator(
        "is",
        gettext_lazy("is"),
        gettext_lazy("consent for {subject} is {value}"),
        Takes.CHOICE,
    ),
    Operator(
        "is_not",
        gettext_lazy("is not"),
        gettext_lazy("consent for {subject} is not {value}"),
        Takes.CHOICE,
    ),
)


def _consent_subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    choices = tuple((str(key), label) for key, label in Subscription.Consent.choices)
    return [
        Subject(key, label, CONSENT, choices, named=key != ANY_LIST)
        for key, label in _lists(workspace_id, keys)
    ]


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
