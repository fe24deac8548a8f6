"""Refused addresses of streams, which stay open for years: judged by what was refused and accepted
around them, however much the stream has sent before."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Suppression
from contacts.provenance import Source
from relays.models import Relay
from sending.models import Event, Hold, Mailing, Message, StreamItem, Tally, TallyMinute
from sending.queries import ending, relayreplymessages
from sending.queries import verdicts as query
from sending.services import heldpeople, mailings, refusalscope, streams, verdicts
from sending.services.streams import Item, append, close, open_stream
from tests.factories import make_content
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_guards import deliver, people, refuses
from tests.sending.engine.test_plans import compared
from tests.sending.engine.test_verdicts import breaks_after, dead_of, reasons, suppressed

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]


@pytest.fixture
def make_stream(workspace: Workspace, relay: Relay) -> Open:
    def make(**options: object) -> Mailing:
        return open_stream(
            workspace=workspace,
            source=Source("stream", 1),
            content=make_content(workspace),
            from_name="Shop",
            from_email="shop@brand.example",
            **({"relay": relay} | options),  # type: ignore[arg-type]
        )

    return make


@pytest.fixture
def stream(make_stream: Open) -> Mailing:
    return make_stream()


def send(stream: Mailing, addresses: list[str]) -> None:
    already = StreamItem.objects.filter(mailing=stream).count()
    append(stream, [Item(f"k{already + n}", address) for n, address in enumerate(addresses)])
    deliver(stream)


def in_pieces(stream: Mailing, addresses: list[str], size: int) -> None:
    for first in range(0, len(addresses), size):
        send(stream, addresses[first : first + size])


def pass_time(**span: float) -> None:
    """What happened is so much longer ago."""
    by = timedelta(**span)
    Mailing.objects.update(opened_at=F("opened_at") - by)
    Message.objects.update(settled_at=F("settled_at") - by)
    StreamItem.objects.update(created_at=F("created_at") - by)
    Tally.objects.update(unjudged_since=F("unjudged_since") - by)
    # Minutes are unique: the later ones move behind the earlier ones.
    for one in TallyMinute.objects.order_by("minute"):
        TallyMinute.objects.filter(pk=one.pk).update(minute=one.minute - by)


def test_dead_addresses_are_suppressed_after_an_hour(
    stream: Mailing, relay: Relay, sink: Sink
) -> None:
    sink.offers = [b"PIPELINING"]
    addresses = people(100)
    addresses[20:20] = ["reject1@d1.example"]
    addresses[70:70] = ["reject2@alone.example"]
    send(stream, addresses)
    # It goes on: the next mails may show that the relay was out of order.
    assert reasons(stream) == {"address_pending"}
    assert not suppressed()
    pass_time(hours=2)
    assert verdicts.judge_due() == 2
    assert suppressed() == dead_of(addresses)
    tally = assert_closes(stream)
    assert (tally.failed, tally.hard_bounced, Event.objects.count()) == (2, 2, 2)
    assert Tally.objects.get(mailing=stream).unjudged_since is None
    assert {one.source for one in Suppression.objects.all()} == {stream.source}


def test_those_of_the_last_minutes_wait(stream: Mailing, sink: Sink) -> None:
    send(stream, [*people(20), "reject1@d1.example"])
    pass_time(hours=2)
    send(stream, [*people(20), "reject2@d1.example"])
    verdicts.judge_due()
    assert suppressed() == {"reject1@d1.example"}
    assert reasons(stream) == {"address", "address_pending"}
    pass_time(hours=2)
    verdicts.judge_due()
    assert suppressed() == {"reject1@d1.example", "reject2@d1.example"}


@pytest.mark.parametrize("end", [close, mailings.cancel])
def test_one_that_ends_is_judged_at_once(
    stream: Mailing, sink: Sink, end: Callable[[Mailing], bool]
) -> None:
    send(stream, [*people(20), "reject1@d1.example"])
    assert end(stream)
    deliver(stream)
    assert suppressed() == {"reject1@d1.example"}


@pytest.mark.parametrize(("mails", "size"), [(0, 8), (40, 8), (40, 4)])
def test_a_relay_that_breaks_suppresses_nobody(
    stream: Mailing, sink: Sink, mails: int, size: int
) -> None:
    breaks_after(sink, mails)
    send(stream, people(40))
    in_pieces(stream, [f"q{n}@d{n % 7}.example" for n in range(16)], size)
    assert assert_closes(stream).failed >= 8
    pass_time(hours=2)
    verdicts.judge_due()
    for hold in Hold.objects.filter(decision=""):
        verdicts.doubt(heldpeople.refused_in(hold))
    verdicts.judge_due()
    assert not suppressed()
    assert not Event.objects.exists()
    assert reasons(stream) == {"address_unproven"}


def test_a_relay_that_was_out_of_order_for_a_moment(stream: Mailing, sink: Sink) -> None:
    addresses = people(120)
    breaks_after(sink, 40, refusals=8)
    dead = [f"reject{n}@e{n}.example" for n in range(4)]
    for n, one in enumerate(dead):
        addresses[10 + 30 * n : 10 + 30 * n] = [one]
    in_pieces(stream, addresses, 31)
    pass_time(hours=2)
    verdicts.judge_due()
    # The second one stands in the run itself, or beside it.
    assert {dead[0], dead[2], dead[3]} <= suppressed() <= set(dead)
    assert reasons(stream) == {"address", "address_unproven"}


def test_a_provider_that_refuses_suppresses_nobody(stream: Mailing, sink: Sink) -> None:
    """Among others that are accepted all the time."""
    breaks_after(sink, 3, only="small.example")
    addresses = people(90)
    for n in range(9):
        addresses[10 * n : 10 * n] = [f"q{n}@small.example"]
    in_pieces(stream, [*addresses, "reject1@d1.example", *people(5)], 21)
    pass_time(hours=2)
    verdicts.judge_due()
    assert suppressed() == {"reject1@d1.example"}


def test_what_a_relay_accepted_before_the_last_day_proves_nothing(
    stream: Mailing, sink: Sink
) -> None:
    send(stream, people(30))
    pass_time(days=2)
    send(stream, ["reject1@new.example"])
    pass_time(hours=2)
    verdicts.judge_due()
    assert not suppressed()
    assert reasons(stream) == {"address_unproven"}


@pytest.mark.parametrize("other", [False, True])
def test_what_it_accepted_of_the_lane_within_a_week_does(
    stream: Mailing, make_stream: Open, sink: Sink, *, other: bool
) -> None:
    """In the stream itself, years old, or in another one."""
    send(stream, ["a@d1.example"])
    pass_time(days=3)
    Mailing.objects.update(opened_at=timezone.now() - timedelta(days=1000))
    send(make_stream() if other else stream, ["reject1@d1.example", "reject2@d2.example"])
    pass_time(hours=2)
    verdicts.judge_due()
    assert suppressed() == {"reject1@d1.example"}


@pytest.mark.parametrize("first", ["stream", "campaign"])
def test_streams_and_campaigns_prove_for_each_other(
    open_to: Open, stream: Mailing, sink: Sink, first: str
) -> None:
    if first == "stream":
        send(stream, ["a@d1.example"])
        deliver(open_to(["reject1@d1.example"]))
    else:
        deliver(open_to(["a@d1.example"]))
        send(stream, ["reject1@d1.example"])
        pass_time(hours=2)
        verdicts.judge_due()
    assert suppressed() == {"reject1@d1.example"}


def test_a_run_over_days_and_streams_is_seen(
    stream: Mailing, make_stream: Open, sink: Sink
) -> None:
    """One mail now and then, each judged alone: the third in a row is believed no more."""
    breaks_after(sink, 20)
    send(stream, people(20))
    for number in range(6):
        pass_time(days=1.1)
        send(stream if number % 2 else make_stream(), [f"q{number}@d{number}.example"])
        pass_time(hours=2)
        verdicts.judge_due()
    assert len(suppressed()) < 3


def test_one_that_was_put_off_is_judged_by_those_of_its_refusal(
    stream: Mailing, sink: Sink
) -> None:
    """Among those that were appended with it the relay was in order; hours later it is not, and
    refused others, which are judged already."""
    sink.answer = lambda one: b"451 4.3.0 Later\r\n" if one.startswith("late") else None
    for some in (people(10), ["late@d1.example"], people(query.AROUND + 50)):
        send(stream, some)
    pass_time(hours=5)
    breaks_after(sink, 0)
    send(stream, people(4))
    pass_time(hours=2)
    verdicts.judge_due()
    assert reasons(stream) == {"address_unproven"}
    Message.objects.filter(address="late@d1.example").update(retry_at=timezone.now())
    deliver(stream)
    assert reasons(stream) == {"address_unproven", "address_pending"}
    pass_time(hours=2)
    verdicts.judge_due()
    assert not suppressed()
    assert reasons(stream) == {"address_unproven"}


# What it costs -----------------------------------------------------------------------------------

YEARS = """
WITH made AS (
  INSERT INTO sending_message (mailing_id, address, lane, variant, repeats, state, attempts, reason,
                               reply, relay_id, settled_at)
  SELECT %(mailing)s, 'p' || n || '@d' || n %% 50 || '.example', 0, 0, true, s.state, 1,
         CASE WHEN s.state = 3 THEN 'address' ELSE '' END, '', %(relay)s,
         now() - n * interval '1 minute' + interval '1 second'
    FROM generate_series(%(number)s, 1, -1) n,
         LATERAL (SELECT CASE WHEN n %% 40 = 0 THEN 3 ELSE 2 END AS state) s
  RETURNING id, settled_at)
INSERT INTO sending_streamitem (message_id, mailing_id, key, data, created_at)
SELECT id, %(mailing)s, 'old' || id, '{}', settled_at - interval '1 second' FROM made
"""


def test_a_judgement_reads_no_more_of_a_long_stream(
    stream: Mailing, relay: Relay, sink: Sink
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(YEARS, {"mailing": stream.pk, "relay": relay.pk, "number": 30_000})
        cursor.execute("UPDATE sending_tally SET targeted = 30000, accepted = 29250, failed = 750")
        cursor.execute("ANALYZE sending_message, sending_streamitem")
    addresses = people(60)
    addresses[20:20] = ["reject1@d1.example"]
    addresses[40:40] = ["reject2@d2.example"]
    send(stream, addresses)
    pass_time(hours=2)
    with compared() as costs:
        verdicts.judge_due()
    assert suppressed() == dead_of(addresses)
    # Two points to each of two addresses.
    assert sum(cost.read for cost in costs.values()) < 2 * 2 * 2 * query.AROUND * 2


# The same of others who ask about a mailing's messages -------------------------------------------


def test_a_relay_that_accepted_long_ago_has_accepted_nothing_of_today(
    stream: Mailing, relay: Relay, sink: Sink
) -> None:
    send(stream, people(3))
    assert refusalscope.accepted_others(stream, relay)
    pass_time(days=2)
    assert not refusalscope.accepted_others(stream, relay)


def test_who_waits_of_a_lane_that_is_held(stream: Mailing, sink: Sink) -> None:
    refuses(sink, "550 Mail content denied\r\n", only="qq.com")
    send(stream, [*people(200), *(f"q{n:02}@qq.com" for n in range(60))])
    hold = Hold.objects.get()
    assert (hold.kind, hold.lane) == (Hold.Kind.LANE, "qq")
    waiting = Message.objects.filter(mailing=stream, state=Message.State.WAITING)
    assert waiting.exists()
    assert set(heldpeople.left_in(hold)) == set(waiting)


def test_the_relay_s_page_opens_what_it_answered(
    open_to: Open, stream: Mailing, relay: Relay, sink: Sink
) -> None:
    """A campaign that began later does not hide the stream's earlier messages."""
    send(stream, ["a@d1.example"])
    deliver(open_to(["b@d1.example"]))
    since = timezone.now() - timedelta(hours=1)
    found = relayreplymessages.messages(relay.pk, Mailing.objects.all(), since)
    assert set(found.values_list("address", flat=True)) == {"a@d1.example", "b@d1.example"}


def test_a_closed_one_with_a_message_that_is_nowhere_is_not_finished(
    stream: Mailing, sink: Sink
) -> None:
    append(stream, [Item("k1", "a@d1.example"), Item("k2", "b@d1.example")])
    Message.objects.filter(address="a@d1.example").update(retry_at=None)
    close(stream)
    deliver(stream)
    deliver(stream)
    assert stream.state == Mailing.State.FINISHED
    assert assert_closes(stream).accepted == len(sink.mails) == 2
    assert not ending.find_forgotten(stream.pk)


def test_streams_at_rest_are_judged_all_the_same(stream: Mailing, sink: Sink) -> None:
    send(stream, [*people(20), "reject1@d1.example"])
    assert Mailing.objects.get(pk=stream.pk).idle
    assert streams.rest() == 0
    pass_time(hours=2)
    assert verdicts.judge_due() == 1
