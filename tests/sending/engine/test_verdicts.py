"""Refused addresses, against real servers: a relay that is out of order says "no such user" about
everybody, and suppresses nobody; dead addresses of an honest list are all suppressed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Suppression
from contacts.services.suppressions import suppress_addresses
from relays.models import Pool, PoolMember, Relay
from sending import streaks
from sending.host.journal import Journal
from sending.models import Event, Hold, Mailing, Message, Tally
from sending.queries import verdicts as query
from sending.queries.claim import claim
from sending.services import holddecisions, mailings, recovery, verdicts
from smtp import Stage
from tests.mailservers.sink import Sink, running
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_guards import deliver, people

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
State = Message.State
NO_SUCH_USER = b"550 5.1.1 User unknown\r\n"


def breaks_after(sink: Sink, mails: int, *, only: str = "", refusals: int = 10**9) -> None:
    """It takes so many (of one domain), and then refuses everybody there, or so many."""
    sink.offers = [b"PIPELINING"]
    seen = {"accepted": 0, "refused": 0}

    def answer(address: str) -> bytes | None:
        if not address.endswith(only) or address.startswith("reject"):
            return None
        if seen["accepted"] < mails or seen["refused"] >= refusals:
            seen["accepted"] += 1
            return None
        seen["refused"] += 1
        return NO_SUCH_USER

    sink.answer = answer


def suppressed() -> set[str]:
    return set(Suppression.objects.filter(lifted_at=None).values_list("value", flat=True))


def reasons(mailing: Mailing) -> set[str]:
    rows = Message.objects.filter(mailing=mailing, state=State.FAILED)
    return set(rows.values_list("reason", flat=True))


def dead_of(addresses: list[str]) -> set[str]:
    return {one for one in addresses if one.startswith("reject")}


@pytest.mark.parametrize("mails", [5, 60, 200])
def test_a_relay_that_takes_a_few_and_then_nothing_suppresses_nobody(
    open_to: Open, relay: Relay, sink: Sink, mails: int
) -> None:
    breaks_after(sink, mails)
    mailing = open_to(people(500))
    deliver(mailing)
    tally = assert_closes(mailing)
    assert tally.accepted >= mails
    assert tally.failed < 120
    assert Hold.objects.exists()
    assert not suppressed()
    # Whatever is decided, and whenever.
    verdicts.judge_due()
    for hold in Hold.objects.filter(released_at=None):
        holddecisions.keep(hold)
    mailings.cancel(mailing)
    verdicts.judge_due()
    assert not suppressed()
    assert not Event.objects.exists()
    assert reasons(mailing) == {"address_unproven"}


@pytest.mark.parametrize("left", [6, 8, 20])
def test_a_relay_that_breaks_just_before_the_end(
    open_to: Open, relay: Relay, sink: Sink, left: int
) -> None:
    breaks_after(sink, 300 - left)
    mailing = open_to(people(300))
    deliver(mailing)
    assert assert_closes(mailing).failed == left
    assert not suppressed()
    if mailing.state == Mailing.State.FINISHED:
        assert reasons(mailing) == {"address_unproven"}


def test_a_relay_that_is_out_of_order_for_a_moment(open_to: Open, relay: Relay, sink: Sink) -> None:
    """Before and after it works, and dead addresses are found."""
    breaks_after(sink, 100, refusals=12)
    addresses = [*people(400), *(f"reject{n}@d{n}.example" for n in range(8))]
    mailing = open_to(addresses)
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).failed == 20
    # Those that stood right beside the twelve are not told apart from them.
    assert suppressed() <= dead_of(addresses)
    assert len(suppressed()) >= 6
    assert reasons(mailing) == {"address", "address_unproven"}


@pytest.mark.parametrize("domain", ["qq.com", "small.example"])
def test_a_provider_that_refuses_after_some_suppresses_nobody(
    open_to: Open, relay: Relay, sink: Sink, domain: str
) -> None:
    """Too few to be held, among others that are accepted all the time."""
    breaks_after(sink, 5, only=domain)
    theirs = [f"q{n:02}@{domain}" for n in range(14)]
    dead = [f"reject{n}@d{n}.example" for n in range(6)]
    mailing = open_to([*people(300), *theirs, *dead])
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert not Hold.objects.exists()
    assert assert_closes(mailing).failed == 15
    assert suppressed() == set(dead)


@pytest.mark.parametrize("size", [1, 2])
def test_a_relay_that_breaks_between_small_mailings(
    open_to: Open, relay: Relay, sink: Sink, size: int
) -> None:
    """It took mails of all lanes before; then it refuses one mailing after the other. Two in a row
    may be two dead addresses, whatever mailings they are of."""
    breaks_after(sink, 40)
    deliver(open_to(people(40)))
    for number in range(6):
        deliver(open_to([f"q{number}-{n}@d{n}.example" for n in range(size)]))
    assert len(suppressed()) < streaks.OPEN_RUN
    # It works again, and so is believed again.
    breaks_after(sink, 10**9)
    deliver(open_to(people(10)))
    deliver(open_to(["reject@d0.example"]))
    assert "reject@d0.example" in suppressed()


@pytest.mark.slow
def test_an_honest_list(open_to: Open, relay: Relay, sink: Sink) -> None:
    sink.offers = [b"PIPELINING"]
    domains = [*(f"d{n}.example" for n in range(40)), "qq.com", "gmail.com", "163.com"]
    addresses = [
        f"{'reject' if n * 37 % 100 < 3 else 'p'}{n}@{domains[n % len(domains)]}"
        for n in range(2000)
    ]
    # People who are the only ones of their domain, too.
    addresses += [f"reject@alone{n}.example" for n in range(5)]
    mailing = open_to(addresses)
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    dead = dead_of(addresses)
    assert suppressed() == dead
    tally = assert_closes(mailing)
    assert (tally.failed, tally.hard_bounced, tally.bounced) == (len(dead),) * 3
    assert reasons(mailing) == {"address"}
    tally.refresh_from_db()
    assert tally.unjudged_since is None


def test_a_small_domain_that_is_gone(open_to: Open, relay: Relay, sink: Sink) -> None:
    """It is held and asked about; the other dead addresses don't wait for the answer."""
    sink.offers = [b"PIPELINING"]
    spread = [f"{'reject' if n % 33 == 0 else 'p'}{n}@d{n % 10}.example" for n in range(400)]
    gone = [f"reject{n}@gone.example" for n in range(40)]
    mailing = open_to([*spread, *gone])
    deliver(mailing)
    assert Hold.objects.get().lane == "gone.example"
    assert mailing.state == Mailing.State.SENDING
    assert suppressed() == dead_of(spread)
    holddecisions.keep(Hold.objects.get())
    deliver(mailing)
    for hold in Hold.objects.filter(released_at=None):
        holddecisions.drop(hold)
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert suppressed() == dead_of(spread)
    assert reasons(mailing) == {"address", "address_unproven"}


def test_what_is_left_of_a_cancelled_mailing_is_judged(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    mailing = open_to([*people(50), "reject@d1.example", "defer@d2.example"])
    sink.answer = lambda one: b"451 4.3.0 Later\r\n" if one.startswith("defer") else None
    deliver(mailing)
    mailings.cancel(mailing)
    verdicts.judge_due()
    assert suppressed() == {"reject@d1.example"}


def test_while_a_mailing_goes_on_only_what_is_old_is_judged(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    dead = [f"reject@d{n}.example" for n in range(4)]
    mailing = open_to([*people(50), *dead])
    # Another worker holds a batch, perhaps with some of the dead, but not with all.
    claimed = claim(mailing, relay, holder="here:other", limit=3)
    assert claimed is not None
    deliver(mailing)
    assert not suppressed()
    then = timezone.now() - timedelta(hours=2)
    Message.objects.filter(mailing=mailing, settled_at__isnull=False).update(settled_at=then)
    Tally.objects.update(unjudged_since=then)
    verdicts.judge_due()
    assert suppressed()
    assert suppressed() <= set(dead)


class KilledError(Exception):
    """The process ends here."""


# Kills -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [2, 9])
def test_a_worker_that_is_killed_in_the_middle_of_a_run(
    open_to: Open, relay: Relay, sink: Sink, refused: int
) -> None:
    """It took thirty, then its relay broke, and it was killed; another worker finds no fault."""
    mailing = open_to(people(200))
    journal = Journal()
    claimed = claim(mailing, relay, holder=journal.holder, limit=60)
    assert claimed is not None
    for message in claimed.messages[:30]:
        journal.reply(message.id, 250, Stage.CONTENT, "OK")
    for message in claimed.messages[30 : 30 + refused]:
        journal.reply(message.id, 550, Stage.RCPT, "5.1.1 User unknown")
    journal.abandon()
    assert recovery.recover_journals() == 1
    assert assert_closes(mailing).failed == refused
    assert reasons(mailing) == {"address_pending"}
    assert not suppressed()
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    # Two in a row, followed by mails that were accepted, are two dead addresses.
    assert len(suppressed()) == (refused if refused < streaks.OPEN_RUN else 0)


def test_a_judge_that_is_killed(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each piece is committed with its suppressions; the next judge goes on with the rest."""
    addresses = [f"{'reject' if n % 21 == 0 else 'p'}{n}@d{n % 10}.example" for n in range(210)]
    mailing = open_to(addresses)
    monkeypatch.setattr(query, "BELIEVE", query.BELIEVE.replace("LIMIT 5000", "LIMIT 4"))
    pieces: Iterator[int] = iter([1])

    def killed(*args: Any, **options: Any) -> int:
        if next(pieces, None) is None:
            raise KilledError
        return real(*args, **options)

    real = suppress_addresses
    monkeypatch.setattr(verdicts, "suppress_addresses", killed)
    with pytest.raises(KilledError):
        deliver(mailing)
    assert len(suppressed()) == 4
    monkeypatch.setattr(verdicts, "suppress_addresses", real)
    assert verdicts.judge_due() == 6
    assert suppressed() == dead_of(addresses)
    assert assert_closes(mailing).hard_bounced == Event.objects.count() == 10
    assert verdicts.judge_due() == 0


# Pools -------------------------------------------------------------------------------------------


def test_in_a_pool_both_relays_say_so(
    open_to: Open, relay: Relay, sink: Sink, workspace: Workspace
) -> None:
    """Dead addresses are left for the second relay, one after the other: that is no run."""
    addresses = [*people(100), *(f"reject@alone{n}.example" for n in range(8))]
    with running() as second:
        other = Relay.objects.create(
            workspace=workspace, name="Other", host="127.0.0.1", port=second.port, security="none"
        )
        pool = Pool.objects.create(workspace=workspace, name="Both")
        for member in (relay, other):
            PoolMember.objects.create(pool=pool, relay=member)
        mailing = open_to(addresses, relay=None, pool=pool)
        deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert suppressed() == dead_of(addresses)


# Pure --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "places"),
    [
        ("++x++x++++x", [10]),
        ("x+++", [1]),
        ("++x+x+xxx++++++++++", [2, 9]),
        ("+++xxx", [3]),
        ("xxx+++", [3]),
        ("++xxxx++", [2, 6]),
        ("xxxxx", []),
        ("", []),
    ],
)
def test_where_a_batch_is_cut(row: str, places: list[int]) -> None:
    assert streaks.cuts([(f"d{n}", one == "+") for n, one in enumerate(row)]) == places


def test_a_lane_is_cut_out_among_others() -> None:
    decided = [("qq", True), ("a", True), ("qq", False), ("a", True), ("qq", False), ("b", True)]
    decided += [("qq", False), ("a", True)]
    assert streaks.cuts(decided) == [2, 7]


def test_runs_that_are_cut_out_have_a_bound() -> None:
    assert len(streaks.cuts([("a", n % 5 == 0) for n in range(5000)])) <= 2 * streaks.MOST_RUNS
