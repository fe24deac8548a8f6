"""Relays and providers that refuse a mailing, against real servers: how few people it costs, what
is stopped, what is suppressed, and how it is taken back."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Suppression
from relays.models import Pool, PoolMember, Relay
from relays.services import relays
from sending import guards
from sending.compose.composer import Composer
from sending.engine import shift
from sending.engine.deliveryagent import interleaved
from sending.host.journal import Journal
from sending.models import Event, Hold, Mailing, Message, Tally
from sending.queries.claim import OTHERS_FIRST, Claimed, claim
from sending.services import dispatch, heldpeople, holddecisions, holdwords, mailings, recovery
from sending.services.retrying import Retried
from smtp import Stage
from tests import factories
from tests.mailservers.sink import Sink, running
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
State = Message.State
Open = Callable[..., Mailing]
HARAKA = "550 I cannot deliver mail for <{}>\r\n"
OPENSMTPD = "550 Invalid recipient: <{}>\r\n"
BARE = "554 5.7.1 No\r\n"
# Connections that each have a mail on the wire and one behind it, and what one look is made after.
AT_ONCE = 4 * 2 + 10


@pytest.fixture
def other(workspace: Workspace) -> Iterator[tuple[Sink, Relay]]:
    """A second relay that takes everything."""
    with running() as sink:
        yield (
            sink,
            factories.make_relay(
                workspace,
                name="Other",
                port=sink.port,
                connections=4,
                bounce_address=factories.BOUNCE_ADDRESS,
            ),
        )


@pytest.fixture
def pool(workspace: Workspace, relay: Relay, other: tuple[Sink, Relay]) -> Pool:
    return factories.make_pool(relay, other[1])


def people(number: int, *domains: str) -> list[str]:
    """Over the domains in turn; without any, each in one of ten."""
    domains = domains or tuple(f"d{n}.example" for n in range(10))
    return [f"p{n:04}@{domains[n % len(domains)]}" for n in range(number)]


def deliver(mailing: Mailing, *, rounds: int = 20) -> None:
    """As the beat would, until nothing is due."""
    for _ in range(rounds):
        due = dispatch.relays_to_run()
        for pk in due:
            shift.run(Relay.objects.get(pk=pk))
        dispatch.tend_mailings()
        if not due:
            break
    else:
        raise AssertionError("it is never done")
    mailing.refresh_from_db()


def refuses(sink: Sink, words: str, *, only: str = "") -> None:
    sink.offers = [b"PIPELINING"]
    sink.answer = lambda address: words.format(address).encode() if address.endswith(only) else None


def tried_again(hold: Hold) -> int:
    """How many of its people were tried again."""
    done = holddecisions.retry(hold)
    assert isinstance(done, Retried)
    return done.messages


@pytest.mark.parametrize("words", [HARAKA, OPENSMTPD, BARE])
def test_a_relay_that_takes_nothing_is_stopped_and_suppresses_nobody(
    open_to: Open, relay: Relay, sink: Sink, words: str
) -> None:
    refuses(sink, words)
    mailing = open_to(people(500))
    deliver(mailing)

    relay.refresh_from_db()
    assert (relay.state, mailing.state) == (Relay.State.STOPPED, Mailing.State.SENDING)
    assert mailing.wait_reason == "relay_stopped"
    tally = assert_closes(mailing)
    assert 20 <= tally.failed <= 20 + AT_ONCE
    assert tally.waiting == 500 - tally.failed
    assert tally.hard_bounced == 0
    assert not Suppression.objects.exists()
    assert not Event.objects.exists()
    hold = Hold.objects.get()
    assert (hold.kind, hold.reason) == (Hold.Kind.RELAY, "refuses_all")
    # Also those that were on the wire when it was stopped.
    assert hold.refused == hold.decided == tally.failed
    assert heldpeople.refused_in(hold).count() == tally.failed

    # Mended, taken back, started again: everybody gets it, once.
    sink.answer = lambda _: None
    assert tried_again(hold) == tally.failed
    assert assert_closes(mailing).waiting == 500
    relays.resume(relay)
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).accepted == 500
    assert sink.accepted == Counter(people(500))


def test_what_a_relay_took_of_another_mailing_proves_nothing_today(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    before = open_to([f"old{n}@d{n}.example" for n in range(10)])
    deliver(before)
    relay.minutes.all().delete()  # not within the hour
    refuses(sink, OPENSMTPD)
    mailing = open_to(people(100))
    deliver(mailing)
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED
    assert not Suppression.objects.exists()


def test_one_dead_address_where_the_relay_took_mail_lately(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    deliver(open_to(["a@d1.example"]))
    deliver(open_to(["reject@d1.example", "reject@d2.example"]))
    assert Suppression.objects.get().value == "reject@d1.example"


def test_what_was_put_off_may_be_refused_in_a_row(open_to: Open, relay: Relay, sink: Sink) -> None:
    """A mailing ends with those that were put off; that they are refused one after the other says
    nothing of the relay."""

    late = [f"late{n}@d{n % 10}.example" for n in range(guards.RELAY_RUN)]

    def answer_late(words: bytes) -> None:
        sink.answer = lambda address: words if address.startswith("late") else None

    answer_late(b"451 4.2.1 Try again later\r\n")
    mailing = open_to([*people(200), *late])
    deliver(mailing)
    assert assert_closes(mailing).accepted == 200

    answer_late(b"550 5.7.1 Denied\r\n")
    Message.objects.filter(mailing=mailing, state=State.WAITING).update(retry_at=timezone.now())
    deliver(mailing)
    assert assert_closes(mailing).failed == len(late)
    assert not Hold.objects.exists()


@pytest.mark.slow
def test_large_batches_are_stopped_within(open_to: Open, relay: Relay, sink: Sink) -> None:
    """A delivery agent that goes at full speed holds thousands; a run is seen within the batch."""
    sink.offers = [b"PIPELINING"]
    before = 1500
    sink.answer = lambda _: None if len(sink.mails) < before else b"550 5.7.1 Denied\r\n"
    mailing = open_to(people(5000, *(f"d{n:03}.example" for n in range(100))))
    deliver(mailing)
    tally = assert_closes(mailing)
    assert mailing.state == Mailing.State.PAUSED
    assert tally.accepted >= before
    # Two lanes by themselves, a third of the latest 200, and what was on the wire.
    assert tally.failed <= 2 * (10 + AT_ONCE) + 100 + AT_ONCE
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("domain", "lane"), [("qq.com", "qq"), ("small.example", "small.example")])
def test_a_lane_that_refuses_is_held_and_the_others_go_on(
    open_to: Open, relay: Relay, sink: Sink, domain: str, lane: str
) -> None:
    refuses(sink, "550 Mail content denied\r\n", only=domain)
    refused = [f"q{n:02}@{domain}" for n in range(60)]
    mailing = open_to([*people(600), *refused])
    deliver(mailing)

    hold = Hold.objects.get()
    assert (hold.kind, hold.lane) == (Hold.Kind.LANE, lane)
    assert hold.words == "550 Mail content denied"
    tally = assert_closes(mailing)
    assert tally.accepted == 600
    assert hold.refused == hold.decided == tally.failed <= 11 + AT_ONCE
    assert tally.waiting == 60 - tally.failed
    assert (mailing.state, mailing.wait_reason) == (Mailing.State.SENDING, "held")

    # Somebody has it tried again: nobody gets it twice.
    sink.answer = lambda _: None
    assert tried_again(hold) == tally.failed
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).accepted == 660
    assert set(sink.accepted.values()) == {1}


@pytest.mark.parametrize("domain", ["qq.com", "small.example"])
def test_the_rest_of_a_lane_is_dropped(
    open_to: Open, relay: Relay, sink: Sink, domain: str
) -> None:
    refuses(sink, "550 Mail content denied\r\n", only=domain)
    mailing = open_to([*people(100), *[f"q{n:02}@{domain}" for n in range(60)]])
    deliver(mailing)
    failed = assert_closes(mailing).failed
    holddecisions.drop(Hold.objects.get())
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed, tally.skipped) == (100, failed, 60 - failed)
    skipped = Message.objects.filter(mailing=mailing, state=State.SKIPPED)
    assert set(skipped.values_list("reason", flat=True)) == {"lane_dropped"}


def test_what_was_kept_as_failed_stays_so(open_to: Open, relay: Relay, sink: Sink) -> None:
    refuses(sink, "550 5.1.1 User unknown\r\n", only="qq.com")
    mailing = open_to([*people(50), *[f"q{n:02}@qq.com" for n in range(40)]])
    deliver(mailing)
    failed = assert_closes(mailing).failed
    sink.answer = lambda _: None
    holddecisions.keep(Hold.objects.get())
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed, tally.hard_bounced) == (90 - failed, failed, 0)
    assert not Suppression.objects.exists()


def test_in_a_pool_the_good_relay_carries_it_all(
    open_to: Open, relay: Relay, sink: Sink, other: tuple[Sink, Relay], pool: Pool
) -> None:
    refuses(sink, OPENSMTPD)
    mailing = open_to(people(300), relay=None, pool=pool)
    deliver(mailing)
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED
    assert Hold.objects.get().relay == relay
    # Refused by a relay whose word nothing proved: another one was asked, and took it.
    assert assert_closes(mailing).accepted == 300
    assert other[0].accepted == Counter(people(300))
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("words", [HARAKA, BARE])
def test_whatever_a_relay_says_that_took_nothing_another_one_is_asked(
    open_to: Open, relay: Relay, sink: Sink, pool: Pool, words: str
) -> None:
    refuses(sink, words)
    mailing = open_to(people(300), relay=None, pool=pool)
    deliver(mailing)
    assert assert_closes(mailing).accepted == 300
    # The relay stays stopped until somebody starts it; the mailing is over.
    assert mailing.state == Mailing.State.FINISHED
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED


def test_a_mailing_that_another_relay_carried_is_over(
    open_to: Open, relay: Relay, sink: Sink, pool: Pool
) -> None:
    sink.at_mail = b"554 5.7.1 No\r\n"
    mailing = open_to(people(50), relay=None, pool=pool)
    deliver(mailing)
    assert Hold.objects.get().kind == Hold.Kind.ROUTE
    assert assert_closes(mailing).accepted == 50
    assert mailing.state == Mailing.State.FINISHED


@pytest.mark.parametrize("tier", [1, 2])
@pytest.mark.usefixtures("relay")
def test_relays_of_a_pool_hand_a_held_domain_to_nobody_who_refuses_it(
    open_to: Open, sink: Sink, other: tuple[Sink, Relay], pool: Pool, tier: int
) -> None:
    """What nobody may carry now waits for a person, and no worker turns it over and over."""
    PoolMember.objects.filter(relay=other[1]).update(tier=tier)
    for one in (sink, other[0]):
        refuses(one, "550 Mail content denied\r\n", only="small.example")
    mailing = open_to(
        [*people(100), *[f"q{n:02}@small.example" for n in range(80)]], relay=None, pool=pool
    )
    with suppress(AssertionError):
        deliver(mailing, rounds=8)
    # What one relay refused is left to the other one for so long.
    rows = Message.objects.filter(mailing=mailing, state=State.WAITING)
    rows.filter(retry_at__lte=timezone.now()).update(retry_at=timezone.now() - 2 * OTHERS_FIRST)
    deliver(mailing)
    assert (mailing.state, mailing.wait_reason) == (Mailing.State.SENDING, "held")
    tally = assert_closes(mailing)
    assert tally.accepted == 100
    assert not rows.filter(retry_at__lte=timezone.now()).exists()
    assert not dispatch.relays_to_run()


def test_a_later_tier_takes_a_held_provider_over_when_somebody_wants_it(
    open_to: Open, relay: Relay, sink: Sink, other: tuple[Sink, Relay], pool: Pool
) -> None:
    """Not by itself: the provider may refuse the mail, and would then refuse it from both."""
    PoolMember.objects.filter(relay=other[1]).update(tier=2)
    refuses(sink, "550 Mail content denied\r\n", only="small.example")
    theirs = [f"q{n:02}@small.example" for n in range(60)]
    mailing = open_to([*people(100), *theirs], relay=None, pool=pool)
    deliver(mailing)
    assert mailing.wait_reason == "held"
    assert not other[0].accepted
    hold = Hold.objects.get()
    assert "later tiers do not take over automatically" in holdwords.elsewhere(hold)
    assert f"relay {relay.name} is the reason, pause it" in holdwords.elsewhere(hold)
    relays.pause(relay)
    deliver(mailing)
    assert tried_again(hold) >= 11
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).accepted == 160
    assert other[0].accepted == Counter(theirs)


@pytest.mark.parametrize("refused", [15, 30])
def test_a_worker_that_is_killed_in_the_middle_of_a_run(
    open_to: Open, relay: Relay, sink: Sink, refused: int
) -> None:
    """What its journal knows is counted, by the next worker, as it would have been by itself."""
    refuses(sink, HARAKA)
    mailing = open_to(people(200))
    journal = Journal()
    claimed = claim(mailing, relay, holder=journal.holder, limit=100)
    assert claimed is not None
    for message in interleaved(claimed.messages)[:refused]:
        journal.reply(message.id, 550, Stage.RCPT, f"I cannot deliver mail for <{message.address}>")
    journal.abandon()
    assert recovery.recover_journals() == 1
    assert assert_closes(mailing).failed == refused
    deliver(mailing)
    relay.refresh_from_db()
    assert relay.state == Relay.State.STOPPED
    tally = assert_closes(mailing)
    assert tally.failed <= max(refused, 20) + AT_ONCE
    assert tally.unknown == 0
    assert not Suppression.objects.exists()
    assert tried_again(Hold.objects.get()) == tally.failed


# No false alarm ----------------------------------------------------------------------------------


def test_ten_people_of_whom_eight_are_gone(open_to: Open, relay: Relay, sink: Sink) -> None:
    gone = [f"reject{n}@d{n}.example" for n in range(8)]
    mailing = open_to([*gone, "a@d8.example", "b@d9.example"])
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert not Hold.objects.exists()
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed, tally.hard_bounced) == (2, 8, 0)
    # A relay that is out of order looks the same: nobody is suppressed because of it.
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(("share", "believed"), [(15, 0.85), (20, 0.6)])
def test_an_old_list_with_dead_addresses_spread(
    open_to: Open, relay: Relay, sink: Sink, share: int, believed: float
) -> None:
    """Chance puts them into an order. With one dead address in five, six in a row come about once
    in a thousand mails (sending.streaks): those are found by the next mailing."""
    sink.offers = [b"PIPELINING"]
    domains = [*(f"d{n}.example" for n in range(12)), "qq.com", "gmail.com", "163.com"]
    addresses = [
        f"{'reject' if n * 37 % 100 < share else 'p'}{n}@{domains[n % 15]}" for n in range(1000)
    ]
    dead = sum(one.startswith("reject") for one in addresses)
    mailing = open_to(addresses)
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert not Hold.objects.exists()
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed) == (1000 - dead, dead)
    assert believed * dead <= tally.hard_bounced == Suppression.objects.count()
    assert not Suppression.objects.exclude(value__startswith="reject").exists()


def test_nothing_accepted_of_a_few_suppresses_nobody(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    refuses(sink, OPENSMTPD)
    mailing = open_to(people(5))
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    rows = Message.objects.filter(mailing=mailing, reason="address_unproven", state=State.FAILED)
    assert rows.count() == assert_closes(mailing).failed == 5
    assert not Suppression.objects.exists()


def test_whoever_resumes_begins_a_new_count(open_to: Open, relay: Relay, sink: Sink) -> None:
    sink.offers = [b"PIPELINING"]
    sink.answer = lambda address: b"550 5.7.1 Denied\r\n" if int(address[1:5]) % 2 else None
    mailing = open_to([f"p{n:04}@d{n}.example" for n in range(400)])
    deliver(mailing)
    first = assert_closes(mailing)
    assert mailing.state == Mailing.State.PAUSED
    assert first.failed > 20
    mailings.resume(mailing)
    deliver(mailing)
    assert mailing.state == Mailing.State.PAUSED
    assert assert_closes(mailing).failed - first.failed > 20


# Answers that were never seen ---------------------------------------------------------------------


@pytest.mark.slow
def test_a_server_that_cuts_instead_of_answering_does_not_use_the_list_up(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    mailing = open_to([f"{'drop' if n % 2 else 'p'}{n:03}@d{n % 9}.example" for n in range(300)])

    def send() -> Tally:
        shifts = 0
        while mailing.state == Mailing.State.SENDING and shifts < 30:
            Relay.objects.update(wait_until=None, failures=0)
            shift.run(relay)
            mailing.refresh_from_db()
            shifts += 1
        assert mailing.state == Mailing.State.PAUSED
        tally = assert_closes(mailing)
        # And it stays so.
        Relay.objects.update(wait_until=None, failures=0)
        shift.run(relay)
        assert assert_closes(mailing).unknown == tally.unknown
        return tally

    first = send().unknown
    assert mailing.state_reason == "many_unseen"
    assert 30 < first <= 30 + AT_ONCE
    assert set(sink.accepted.values()) == {1}
    # Whoever resumes it begins a new count.
    mailings.resume(mailing)
    assert 30 < send().unknown - first <= 30 + AT_ONCE


# Facts about mail and relay ----------------------------------------------------------------------


def sizes(sink: Sink, limit: int) -> None:
    sink.offers = [b"PIPELINING", b"SIZE %d" % limit]


def test_a_mail_larger_than_the_relay_takes_fails_nobody(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    sizes(sink, 500)
    mailing = open_to(people(100))
    deliver(mailing)
    assert mailing.state == Mailing.State.PAUSED
    assert "5.3.4" in mailing.state_words
    assert assert_closes(mailing).waiting == 100
    assert not sink.accepted
    sizes(sink, 100_000)
    mailings.resume(mailing)
    deliver(mailing)
    assert assert_closes(mailing).accepted == 100


def test_another_relay_of_the_pool_takes_what_is_too_large(
    open_to: Open, relay: Relay, sink: Sink, other: tuple[Sink, Relay], pool: Pool
) -> None:
    sizes(sink, 500)
    mailing = open_to(people(100), relay=None, pool=pool)
    # Before the other one has taken everything.
    shift.run(relay)
    deliver(mailing)
    assert assert_closes(mailing).accepted == 100
    assert other[0].accepted == Counter(people(100))
    hold = Hold.objects.get()
    assert (hold.kind, hold.relay, hold.reason) == (Hold.Kind.ROUTE, relay, "too_large")


def test_somebody_decides_that_the_largest_are_skipped(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    """Mails differ by person: who resumes must not meet the same one again."""
    long = [f"{'long' * 15}{n}@d{n}.example" for n in range(3)]
    mailing = open_to([*people(20), *long])
    sizes(sink, 100_000)
    sink.at_mail = None
    whole = _size_of(mailing, relay)
    sizes(sink, whole)
    deliver(mailing)
    assert mailing.state == Mailing.State.PAUSED
    holddecisions.drop(Hold.objects.get())
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.skipped, tally.failed) == (20, 3, 0)
    skipped = Message.objects.filter(mailing=mailing, state=State.SKIPPED)
    assert set(skipped.values_list("reason", "address")) == {("too_large", one) for one in long}


def _size_of(mailing: Mailing, relay: Relay) -> int:
    """Of the largest mail to one of `people`."""
    row = Message.objects.filter(mailing=mailing, address__startswith="p0").first()
    assert row is not None
    name = row.address.partition("@")[0]
    mail = Composer(mailing, relay).compose(
        Claimed(row.pk, row.contact_id, row.address, 0, 0, counts_opens=row.counts_opens),
        {"email": row.address, "first_name": name},
    )
    return len(mail.content) + 20  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "words", [b"552 5.3.4 Message too big\r\n", b"554 5.7.1 TLS required\r\n", b"550 Sorry\r\n"]
)
def test_what_is_refused_before_a_recipient_was_named_fails_nobody(
    open_to: Open, relay: Relay, sink: Sink, words: bytes
) -> None:
    sink.offers = [b"PIPELINING"]
    sink.at_mail = words
    mailing = open_to(people(100))
    deliver(mailing)
    assert mailing.state == Mailing.State.PAUSED
    assert words.decode().strip() in mailing.state_words
    assert assert_closes(mailing).waiting == 100
    assert not Suppression.objects.exists()
