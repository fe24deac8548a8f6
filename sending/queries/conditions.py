"""The condition of segments about mails: sent, opened, clicked and bounced, of any campaign, one of
them, or the latest.

Conditions without a period ask the bits of finished mailings (queries.answersql). Otherwise
openings, clicks and bounces are found in an index of the events alone, each by the time when it
happened; mails that were sent, in the messages. Of a mail it counts whether it was opened, not how
often.

Not all mails count opens (Message.counts_opens). Whether such a mail was opened is unknown, so its
recipient is not among the people who never opened, or opened none. If the condition names a period,
only mails sent in the period matter for that.

Who clicks in a mail has read it, also without its pictures: so a click counts against "never
opened" and "opened none", as an opening does (READ). It is none for "opened".

Only people count (sending.machines), and unknown actors as people; the operators with `TOO` count
machines as well. A mail that only machines opened was not opened. There is one exception: a proxy
that hides its person (Message.HIDDEN). Whether that person opened the mail is unknown, as above:
people who read every mail with Apple Mail would otherwise be among those who never open.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Workspace
from contacts import sources
from contacts.segments import predicates
from contacts.segments.kinds import ConditionKind, Context, Match, Subject, ids, kinds
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, given_list, put
from pages import locales, numbers
from sending.models import Mailing, Message, PastRecipients
from sending.queries import answersql
from sending.queries.answers import Kind
from sending.queries.states import sql

ANY, LAST = "any", "last_"
# How many of the last campaigns may be chosen, and the campaigns to choose from: the latest.
LATEST = (1, 2, 3, 5, 6, 10, 20)
MOST = 100


OPERATORS = (
    Operator(
        "sent", gettext_lazy("was sent"), gettext_lazy("was sent a mail of {subject}"), Takes.TIMES
    ),
    Operator(
        "opened", gettext_lazy("opened"), gettext_lazy("opened a mail of {subject}"), Takes.TIMES
    ),
    Operator(
        "clicked",
        gettext_lazy("clicked"),
        gettext_lazy("clicked in a mail of {subject}"),
        Takes.TIMES,
    ),
    Operator(
        "bounced",
        gettext_lazy("bounced"),
        gettext_lazy("a mail of {subject} bounced"),
        Takes.TIMES,
    ),
    Operator(
        "never_sent",
        gettext_lazy("was never sent"),
        gettext_lazy("was never sent a mail of {subject}"),
        Takes.WITHIN,
    ),
    Operator(
        "never_opened",
        gettext_lazy("never opened"),
        gettext_lazy("never opened a mail of {subject}"),
        Takes.WITHIN,
    ),
    Operator(
        "never_clicked",
        gettext_lazy("never clicked"),
        gettext_lazy("never clicked in a mail of {subject}"),
        Takes.WITHIN,
    ),
    Operator(
        "ignored",
        gettext_lazy("was sent at least one and opened none"),
        gettext_lazy("was sent at least one mail of {subject} and opened none"),
        Takes.WITHIN,
    ),
    Operator(
        "unclicked",
        gettext_lazy("was sent at least one and clicked in none"),
        gettext_lazy("was sent at least one mail of {subject} and clicked in none"),
        Takes.WITHIN,
    ),
    Operator(
        "opened_too",
        gettext_lazy("opened (machines count, too)"),
        gettext_lazy("opened a mail of {subject} (machines count, too)"),
        Takes.TIMES,
    ),
    Operator(
        "clicked_too",
        gettext_lazy("clicked (machines count, too)"),
        gettext_lazy("clicked in a mail of {subject} (machines count, too)"),
        Takes.TIMES,
    ),
    Operator(
        "never_opened_too",
        gettext_lazy("never opened (machines count, too)"),
        gettext_lazy("never opened a mail of {subject} (machines count, too)"),
        Takes.WITHIN,
    ),
    Operator(
        "never_clicked_too",
        gettext_lazy("never clicked (machines count, too)"),
        gettext_lazy("never clicked in a mail of {subject} (machines count, too)"),
        Takes.WITHIN,
    ),
    Operator(
        "ignored_too",
        gettext_lazy("was sent at least one and opened none (machines count, too)"),
        gettext_lazy(
            "was sent at least one mail of {subject} and opened none (machines count, too)"
        ),
        Takes.WITHIN,
    ),
    Operator(
        "unclicked_too",
        gettext_lazy("was sent at least one and clicked in none (machines count, too)"),
        gettext_lazy(
            "was sent at least one mail of {subject} and clicked in none (machines count, too)"
        ),
        Takes.WITHIN,
    ),
)
# The end of the key of an operator that counts machines as well.
TOO = "_too"
# {action: the kinds of its events}
EVENTS = {
    "opened": ("opened",),
    "clicked": ("clicked",),
    "bounced": ("hard_bounced", "soft_bounced", "blocked"),
}
# {an action that a mail lacks: the actions that rule this out}
READ = {"opened": ("opened", "clicked")}
# {action: the time of the message when it first happened}
TIMES = {
    "sent": "m.settled_at",
    "opened": "m.opened_at",
    "clicked": "m.clicked_at",
    "bounced": "m.bounced_at",
}
# {action: the same by machines}
BY_MACHINES = {
    "opened": f"m.machines & {Message.MACHINE_OPENED} > 0",
    "clicked": f"m.machines & {Message.MACHINE_CLICKED} > 0",
}
# {(action, whether machines count): what is asked by bits}
BITS = {
    ("sent", False): Kind.SENT,
    ("opened", False): Kind.OPENED,
    ("opened", True): Kind.OPENED_TOO,
    ("clicked", False): Kind.CLICKED,
    ("clicked", True): Kind.CLICKED_TOO,
}
# Whether such a mail was opened is unknown.
UNCOUNTED = f"(NOT m.counts_opens OR m.machines & {Message.HIDDEN} > 0)"
# {operator: the action that none of the mails has}
NONE_OF = {"ignored": "opened", "unclicked": "clicked"}
ACCEPTED = sql("m.state = $ACCEPTED AND m.contact_id IS NOT NULL")
OF_MAILINGS = "FROM sending_message m WHERE m.mailing_id = ANY({}) AND " + ACCEPTED
OF_EVENTS = (
    "FROM sending_event e WHERE e.mailing_id = ANY({}) AND e.kind = ANY({})"
    " AND e.contact_id IS NOT NULL"
)
# Recipients of mailings whose messages were dropped.
PAST = (
    "SELECT p.contact_id FROM (SELECT unnest(contacts) AS contact_id FROM sending_pastrecipients"
    " WHERE mailing_id = ANY({})) p WHERE p.contact_id IS NOT NULL"
)


def _subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    yield Subject(ANY, gettext_lazy("any campaign"), OPERATORS)
    for number in LATEST:
        label = ngettext("the last campaign", "the last {count} campaigns", number)
        label = label.format(count=locales.number(number))
        yield Subject(f"{LAST}{number}", label, OPERATORS, most=number)
    own = Mailing.objects.filter(workspace=workspace_id, kind=Mailing.Kind.ONE_OFF)
    chosen = {*own.order_by("-pk")[:MOST], *own.filter(pk__in=ids(keys))}
    workspace = Workspace(pk=workspace_id)
    say = sources.in_words(sources.names(workspace, [one.source for one in chosen]))
    for one in sorted(chosen, key=lambda one: -one.pk):
        label = _("{campaign}, {day}").format(
            campaign=say(one.source, ""), day=locales.day(one.opened_at)
        )
        yield Subject(str(one.pk), label, OPERATORS, named=True, most=1)


def _mailings(one: Condition, context: Context) -> Sql:
    """Their ids, as an array. Numbers and no query, so that PostgreSQL knows how many messages they
    have, and which blocks to leave out."""
    return given_list(_ids(one, context), "bigint")


def _ids(one: Condition, context: Context) -> list[int]:
    if (number := numbers.whole(one.subject)) is not None:
        return [number]
    if (known := context.memo.get(("mailings", one.subject))) is None:
        known = context.memo["mailings", one.subject] = _latest(one.subject, context.workspace_id)
    return list(known)


def _latest(subject: str, workspace_id: int) -> list[int]:
    own = Mailing.objects.filter(workspace=workspace_id, kind=Mailing.Kind.ONE_OFF)
    found = own.order_by("-pk").values_list("pk", flat=True)
    return list(found if subject == ANY else found[: int(subject.removeprefix(LAST))])


@dataclass(frozen=True, slots=True)
class _Asked:
    """A condition taken apart. `operator`: without TOO. `days`: empty, or one number."""

    operator: str
    action: str
    too: bool
    times: int
    days: tuple[object, ...]

    @property
    def never(self) -> bool:
        return self.operator.startswith("never_")

    @property
    def negative(self) -> bool:
        return self.never or self.operator in NONE_OF

    @property
    def actions(self) -> tuple[str, ...]:
        """Those that are looked for."""
        return READ.get(self.action, (self.action,)) if self.negative else (self.action,)


def _taken_apart(one: Condition) -> _Asked:
    operator = one.operator.removesuffix(TOO)
    action = NONE_OF.get(operator, operator.removeprefix("never_"))
    many = operator in TIMES
    times = int(one.values[0]) if many else 1
    return _Asked(operator, action, operator != one.operator, times, one.values[many:])


def _compile(one: Condition, _subject: Subject, context: Context) -> Match:
    asked = _taken_apart(one)
    rows = _by_rows(one, asked, context)
    bits = _by_bits(one, asked, context)
    return rows if bits is None else Match(bits, of_one=rows)


def _by_bits(one: Condition, asked: _Asked, context: Context) -> Sql | None:
    """Bits have no times, and bounces are few."""
    kind = BITS.get((asked.action, asked.too))
    if kind is None or asked.days:
        return None
    ids_of = _ids(one, context)
    kinds_of = [kind]
    if asked.action == "opened" and asked.negative:
        kinds_of = [*(BITS[action, asked.too] for action in READ["opened"]), Kind.UNKNOWN]
    if asked.operator in NONE_OF:
        return answersql.none_of(kinds_of, ids_of, context)
    found = answersql.at_least(asked.times, kinds_of, ids_of, context)
    if found is not None and asked.action == "sent" and asked.times == 1:
        past = PastRecipients.objects.filter(mailing__in=ids_of)
        if dropped := list(past.values_list("mailing", flat=True).distinct()):
            found = put("({} OR c.id IN (" + PAST + "))", found, given_list(dropped, "bigint"))
    return put("NOT ({})", found) if found is not None and asked.never else found


def _by_rows(one: Condition, asked: _Asked, context: Context) -> Match:
    if asked.operator in NONE_OF:
        return Match(_unanswered(one, asked, context), people=True)
    if asked.action == "sent":
        rows = _sent(one, asked.times, asked.days, context)
    else:
        rows = _answered(asked, _mailings(one, context), context)
    if asked.operator == "never_opened":
        rows = put("{} UNION {}", rows, _uncounted(one, asked.days, context))
    return Match(rows, people=True, without=asked.never)


def _sent(one: Condition, times: int, days: tuple[object, ...], context: Context) -> Sql:
    rows = _mails(one, days, context)
    if times > 1:
        return put("{} GROUP BY m.contact_id HAVING count(*) >= {}", rows, given(times, "int"))
    return rows if days else put("{} UNION " + PAST, rows, _mailings(one, context))


def _mails(one: Condition, days: tuple[object, ...], context: Context) -> Sql:
    rows = put(f"SELECT m.contact_id {OF_MAILINGS}", _mailings(one, context))
    return (
        put("{} AND {}", rows, predicates.lately(Sql(TIMES["sent"]), days, context))
        if days
        else rows
    )


def _answered(asked: _Asked, mailings: Sql, context: Context) -> Sql:
    kinds_of = [kind for action in asked.actions for kind in EVENTS[action]]
    rows = put(OF_EVENTS, mailings, given_list(kinds_of, "text"))
    if asked.action in BY_MACHINES and not asked.too:
        rows = put("{} AND e.actor <= 0", rows)
    if asked.days:
        rows = put("{} AND {}", rows, predicates.lately(Sql("e.at"), asked.days, context))
    if asked.times == 1:
        return put("SELECT e.contact_id {}", rows)
    return put(
        "SELECT contact_id FROM (SELECT DISTINCT e.mailing_id, e.contact_id {}) mails"
        " GROUP BY contact_id HAVING count(*) >= {}",
        rows,
        given(asked.times, "int"),
    )


def _uncounted(one: Condition, days: tuple[object, ...], context: Context) -> Sql:
    """Recipients of mails of which nobody knows whether they were opened. Where machines count,
    the proxy that hides a person opened the mail itself."""
    return put("{} AND {}", _mails(one, days, context), Sql(UNCOUNTED))


def _unanswered(one: Condition, asked: _Asked, context: Context) -> Sql:
    rows = _mails(one, asked.days, context)
    done = Sql(" OR ".join(_done(one, action) for action in asked.actions))
    rows = put("{} GROUP BY m.contact_id HAVING NOT bool_or({})", rows, done)
    return put("{} AND NOT bool_or({})", rows, Sql(UNCOUNTED)) if asked.action == "opened" else rows


def _done(one: Condition, action: str) -> str:
    """SQL: it happened to the message `m`; by a machine, too, if the operator says so."""
    done = f"{TIMES[action]} IS NOT NULL"
    too = one.operator.endswith(TOO) and action in BY_MACHINES
    return f"({done} OR {BY_MACHINES[action]})" if too else done


def _value(one: Condition, _subject: Subject, context: Context) -> Sql:
    """Numbers of mails sent, opened, clicked and bounced, with blanks between. Only messages that
    still exist."""
    each = (f"count(*) FILTER (WHERE {_done(one, action)})" for action in TIMES)
    counts = " || ' ' || ".join(each)
    return put(f"(SELECT {counts} {OF_MAILINGS} AND m.contact_id = c.id)", _mailings(one, context))


def _told(_subject: Subject, value: str | None) -> str:
    numbers_of = [locales.number(int(text)) for text in (value or "0 0 0 0").split()]
    sent, opened, clicked, bounced = numbers_of
    return _("{sent} sent, {opened} opened, {clicked} clicked, {bounced} bounced").format(
        sent=sent, opened=opened, clicked=clicked, bounced=bounced
    )


kinds.add(
    ConditionKind("mail", gettext_lazy("Mails of campaigns"), _subjects, _compile, _value, _told),
    order=60,
)
