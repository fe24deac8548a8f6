"""The messages of a mailing for the table of recipients, by its filters; fast with a million.

The only order is by address. Two indexes give it: message_address_once, which keeps an address from
getting a mail twice, for the whole mailing, and message_not_accepted for each rare state.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts import markets
from campaigns import marketwords
from campaigns.queries import actors, cameback, leaving, pending, progress, report
from campaigns.queries.cameback import CameBack
from campaigns.queries.replygroups import Same
from contacts import addresses
from contacts.models import Contact
from pages import numbers, reasons, statuses
from relays import providers
from relays.models import Relay
from sending.machines import KINDS, WORDS
from sending.models import Event, Mailing, Message
from sending.queries import markets as markets_of
from sending.services import heldpeople
from sending.timeline import sent_subjects

State = Message.State
# Names of states in the page's URL: codes of pages.statuses. Messages in flight have a state of
# their own for the reader; in their rows they are waiting.
WAITING, IN_FLIGHT = "waiting", "in_flight"
STATES = (WAITING, IN_FLIGHT, "accepted", "failed", "skipped", "unknown")
# All states but waiting: the messages that campaigns.queries.progress.done counts.
DONE = "done"
# Frequent events, which have a column in the message; rare ones are found by their rows in Event.
COLUMNS = {"opened": "opened_at", "clicked": "clicked_at", "bounced": "bounced_at"}
# What machines did, by its bit in Message.machines.
MACHINES = {
    "machine_opened": Message.MACHINE_OPENED,
    "machine_clicked": Message.MACHINE_CLICKED,
}
EVENTS = (
    "opened",
    "machine_opened",
    "not_opened",
    "clicked",
    "machine_clicked",
    "bounced",
    "hard_bounced",
    "soft_bounced",
    "blocked",
    "complained",
    "unsubscribed",
    "delayed",
    "auto_replied",
)
FILTERS = (
    *("q", "state", "reason", "event", "domain", "provider", "same", "rest", "link", "variant"),
    *("run", "held", "why", "market"),
)
# Filters that only links of the report set; the page of recipients names them above its table.
FROM_REPORT = ("reason", "link", "rest", "provider", "run", "held", "why")
# By the number of a run of refusals: messages refused in it, and messages that it keeps waiting.
RUNS = {"run": heldpeople.refused_in, "held": heldpeople.left_in}
# Filters whose count the tally has in a column of the same name; tests compare both.
TALLIED = (
    *("opened", "clicked", "bounced", "hard_bounced", "soft_bounced", "blocked"),
    *("complained", "unsubscribed", *MACHINES),
)


def filtered(mailing: Mailing, parameters: QueryDict) -> QuerySet[Message]:
    """By q (an address, or how it begins), state, reason, event, domain, provider (a key of
    relays.providers), same (what servers said, see campaigns.queries.replygroups; empty: nothing),
    rest (failed for none of the reasons that the report names), link (the number of a link that
    was clicked) and variant (whose link it is), run (refused in that run of refusals) held
    (waiting in the lane that it stopped), why (the reason that people gave for leaving) and market
    (the key of a market, or NONE)."""
    # In a campaign nobody repeats; the index by address has only such messages.
    rows = Message.objects.filter(mailing=mailing, repeats=False)
    rows = _by_address(rows, parameters.get("q", "").strip(), parameters.get("domain", "").strip())
    if provider := parameters.get("provider", ""):
        number = providers.lane_number(provider)
        # An unknown key matches no message.
        rows = rows.filter(lane=number) if number != providers.OTHERS else rows.none()
    rows = _by_state(rows, mailing, parameters.get("state", ""))
    event, said = parameters.get("event", ""), parameters.get("same")
    rows = _by_event(rows, mailing, event, parameters, said)
    if market := parameters.get("market", ""):
        rows = _of_market(rows, market)
    if reason := parameters.get("reason", ""):
        rows = rows.filter(reason=reason)
    if said is not None and event not in Event.Kind.values:
        rows = rows.annotate(same=Same(F("reply"))).filter(same=said)
    if parameters.get("rest"):
        rows = _without(rows, report.failures(mailing))
    if why := parameters.get("why", ""):
        rows = rows.filter(pk__in=leaving.said(mailing).filter(value=why).values("message_id"))
    return _of_run(rows, mailing, parameters)


def _of_market(rows: QuerySet[Message], market: str) -> QuerySet[Message]:
    """In the market of this key, or in none."""
    if market == markets_of.NONE:
        return rows.filter(markets=0)
    bits = markets.of_key(market)
    if not bits:
        return rows.none()
    return rows.annotate(within=F("markets").bitand(bits)).filter(within=bits)


def _of_run(rows: QuerySet[Message], mailing: Mailing, parameters: QueryDict) -> QuerySet[Message]:
    for name, find in RUNS.items():
        if text := parameters.get(name, ""):
            hold = mailing.holds.filter(pk=numbers.whole(text) or 0).first()
            rows = rows.filter(pk__in=find(hold).values("pk")) if hold else rows.none()
    return rows


def _without(rows: QuerySet[Message], groups: Sequence[report.ReplyGroup]) -> QuerySet[Message]:
    """Failed messages that are in none of these groups."""
    known = Q(pk__in=[])
    for group in groups:
        known |= Q(reason=group.reason, same=group.same)
    return rows.filter(trouble=State.FAILED).annotate(same=Same(F("reply"))).exclude(known)


def _by_state(rows: QuerySet[Message], mailing: Mailing, code: str) -> QuerySet[Message]:
    if code == WAITING:
        return rows.filter(pending.waits(mailing))
    if code == IN_FLIGHT:
        return rows.filter(pk__in=pending.claimed(mailing), state=State.WAITING)
    if code == DONE:
        return rows.exclude(state=State.WAITING)
    if code not in STATES:
        return rows
    state = Message.State[code.upper()]
    # `trouble` has the index message_not_accepted.
    return rows.filter(state=state) if state == State.ACCEPTED else rows.filter(trouble=state)


def code_of(state: int, *, in_flight: bool) -> str:
    """The page's code for the state of a message; `in_flight`: a worker has claimed it."""
    return IN_FLIGHT if in_flight and state == State.WAITING else Message.State(state).name.lower()


def _by_address(rows: QuerySet[Message], text: str, domain: str) -> QuerySet[Message]:
    if text:
        rows = rows.filter(address_matches(text))
    if domain:
        rows = rows.filter(address__endswith=f"@{_stored(domain)}")
    return rows


def address_matches(text: str) -> Q:
    """A condition on `address`: equal to the text if that is a whole address, else beginning with
    it."""
    return _is(text) if "." in text.partition("@")[2] else _begins_with(text)


def _stored(domain: str) -> str:
    """The domain in the form of stored addresses. A text that is no domain matches no message."""
    try:
        return addresses.normalise_domain(domain)
    except addresses.AddressError:
        return domain.lower()


def _is(text: str) -> Q:
    try:
        return Q(address=addresses.normalise(text))
    except addresses.AddressError:
        return _begins_with(text)


def _begins_with(text: str) -> Q:
    return Q(address__startswith=text.lower())


def _by_event(
    rows: QuerySet[Message],
    mailing: Mailing,
    event: str,
    parameters: QueryDict,
    said: str | None,
) -> QuerySet[Message]:
    if event == "not_opened":
        # Behind a proxy that hides its person, nobody knows it.
        known = rows.annotate(hidden=F("machines").bitand(Message.HIDDEN)).filter(hidden=0)
        return known.filter(state=State.ACCEPTED, opened_at=None, counts_opens=True)
    if event == "clicked" and (number := numbers.whole(parameters.get("link", ""))) is not None:
        clicks = Event.objects.filter(mailing=mailing, kind=event, link=number, actor__lte=0)
        if (variant := numbers.whole(parameters.get("variant", ""))) is not None:
            rows = rows.filter(variant=variant)
        return rows.filter(pk__in=clicks.values("message"))
    if event in COLUMNS:
        return rows.filter(**{f"{COLUMNS[event]}__isnull": False})
    if event in MACHINES:
        return rows.annotate(bit=F("machines").bitand(MACHINES[event])).filter(bit__gt=0)
    if event in Event.Kind.values:
        events = Event.objects.filter(mailing=mailing, kind=event)
        if said is not None:
            events = events.annotate(same=Same(F("detail"))).filter(same=said)
        return rows.filter(pk__in=events.values("message"))
    return rows


def known_total(mailing: Mailing, parameters: QueryDict) -> int | None:
    """The number of rows, if the tally has it."""
    given = {name: parameters[name] for name in FILTERS if parameters.get(name)}
    if "same" in parameters:
        return None
    tally = mailing.tally
    if not given:
        return tally.targeted
    if given == {"state": DONE}:
        return progress.done(tally)
    if set(given) == {"state"} and given["state"] in STATES:
        return int(getattr(tally, given["state"]))
    if set(given) == {"event"} and given["event"] in TALLIED:
        return int(getattr(tally, given["event"])) - unnamed(mailing, parameters)
    return None


def unnamed(mailing: Mailing, parameters: QueryDict) -> int:
    """Of the people who opened, those who withdrew their consent since: the report counts them, and
    nobody can see any more who they are. Only if all who opened are asked for."""
    if {name for name in FILTERS if parameters.get(name)} != {"event"}:
        return 0
    tally = mailing.tally
    counts = {
        "opened": tally.opened_unnamed,
        "machine_opened": tally.machine_opened_unnamed,
    }
    return counts.get(parameters.get("event", ""), 0)


def contacts_of(rows: Sequence[Message]) -> set[int]:
    """Ids of the rows' contacts that still exist."""
    wanted = [row.contact_id for row in rows if row.contact_id is not None]
    return set(Contact.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def header() -> list[str]:
    return [
        _("E-mail address"),
        _("State"),
        _("Reason"),
        _("The server's words"),
        _("Attempts"),
        pgettext("a state", "Since"),
        _("Relay"),
        _("First opened"),
        _("First clicked"),
        _("Bounced"),
        _("Opens and clicks of machines"),
        _("Who opened first"),
        _("Who clicked first"),
        _("Market"),
        _("Subject as sent"),
        _("What came back"),
        _("When it came back"),
        _("Words of what came back"),
    ]


# Rows of a CSV whose events are read by one query: the words of an event have up to 2,000
# characters, so that 1,000 rows stay within a few megabytes.
EVENTS_OF = 1000


def rows(mailing: Mailing, messages: QuerySet[Message]) -> Iterator[list[Any]]:
    """One row for each message, streamed by a server-side cursor. Merge fields of the subject are
    "…". The reader's language and time
    zone are taken now, because the stream is read after the request has ended."""
    relays = dict(Relay.objects.filter(workspace=mailing.workspace_id).values_list("pk", "name"))
    words = {code: str(statuses.look(code).label) for code in (*STATES, *cameback.KINDS)}
    in_flight = pending.claimed(mailing)
    act_words = actors.in_words()
    sentences = {code: str(sentence) for code, sentence in reasons.sentences.items()}
    zone = timezone.get_current_timezone()
    fields = ("pk", "address", "state", "reason", "reply", "attempts", "settled_at", "relay_id")
    times = ("variant", "markets", "opened_at", "clicked_at", "bounced_at", "machines")
    actor_words = {None: ""} | {actor: str(text) for actor, text in WORDS.items()}
    subjects = sent_subjects([mailing.pk])
    market_names = {0: ""}
    found = messages.order_by("address").values_list(*fields, *times)

    language = translation.get_language()

    def in_language(bits: int) -> str:
        with translation.override(language):
            return marketwords.names(bits)

    def written(moment: datetime | None) -> str:
        return moment.astimezone(zone).isoformat(timespec="seconds") if moment else ""

    def returned(events: Sequence[CameBack]) -> list[str]:
        """Kinds, times and words. Several events have a line each in the cells."""
        several = len(events) > 1
        said = (
            f"{words[one.kind]}: {_line(one.words)}" if several else one.words
            for one in events
            if one.words
        )
        kinds, moments = (words[one.kind] for one in events), (written(one.at) for one in events)
        return ["\n".join(cell) for cell in (kinds, moments, said)]

    def stream() -> Iterator[list[Any]]:
        read = found.iterator(5000)
        while piece := list(islice(read, EVENTS_OF)):
            events = cameback.after([row[0] for row in piece])
            acts = actors.of([row[0] for row in piece if any(row[10:])])
            for pk, address, state, reason, reply, attempts, since, relay, *more in piece:
                variant, bits, *firsts, _machines = more
                if bits not in market_names:
                    market_names[bits] = in_language(bits)
                own = acts.get(pk, ())
                yield [
                    address,
                    words[code_of(state, in_flight=pk in in_flight)],
                    sentences.get(reason, reason),
                    reply,
                    attempts,
                    written(since),
                    relays.get(relay, ""),
                    *(written(moment) for moment in firsts),
                    "\n".join(
                        act_words[one.kind, one.actor] for one in own if one.actor.is_machine
                    ),
                    *(actor_words[actors.first(own, kind)] for kind in KINDS),
                    market_names[bits],
                    markets.marked(subjects.get((mailing.pk, variant), ""), bits),
                    *returned(events.get(pk, ())),
                ]

    return stream()


def _line(words: str) -> str:
    return " ".join(words.split())
