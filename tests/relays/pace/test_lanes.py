"""What relays learn about providers and domains, over PostgreSQL."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from relays import providers
from relays.models import Lane, Relay
from relays.services import lanes, pace
from smtp import End, Outcome, Stage, refused
from smtp.accepted import Accepted
from tests.relays.pace.conftest import NOON, Clock

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]
GMAIL = providers.lane_number("gmail")
QQ = providers.lane_number("qq")
ACCEPTED = Outcome(End.ACCEPTED, 250, "2.0.0 taken", Stage.CONTENT, 0.05)
SLOWER = refused(421, "4.7.28 unusual rate of mail, try later", Stage.RCPT)
OWN = refused(454, "Throttling failure: Maximum sending rate exceeded.", Stage.CONTENT)
LATER = refused(451, "4.3.0 try again later", Stage.RCPT)


@dataclass(frozen=True)
class Sent:
    id: int
    address: str
    lane: int = 0


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    lanes._memory.clear()
    yield
    lanes._memory.clear()


def people(domain: str, count: int, first: int = 0) -> list[Sent]:
    number = providers.numbers().get(domain, 0)
    return [Sent(first + n, f"p{n}@{domain}", number) for n in range(count)]


def learn(relay: Relay, *parts: tuple[list[Sent], Outcome], seconds: float = 1.0) -> None:
    """A batch of people with the outcome of each part."""
    claimed = [one for part, _ in parts for one in part]
    outcomes = {one.id: outcome for part, outcome in parts for one in part}
    lanes.learn(relay, claimed, outcomes, seconds=seconds)


def test_what_goes_well_leaves_no_row_and_costs_a_look(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    with CaptureQueriesContext(
        connection,
    ) as seen:
        learn(relay, (people("gmail.com", 20), ACCEPTED), (people("x.example", 20, 100), ACCEPTED))
        assert lanes.quotas(relay) is None
        assert lanes.admit(relay, people("x.example", 3)) == (people("x.example", 3), [])
    assert len(seen) == 3
    assert not Lane.objects.exists()


def test_a_provider_that_complains_is_slowed_alone(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    gmail = people("gmail.com", 30)
    others = [one for n in range(9) for one in people(f"x{n}.example", 2, 100 + 10 * n)]
    learn(relay, (gmail[:20], ACCEPTED), (gmail[20:], SLOWER), (others, ACCEPTED))
    lane = Lane.objects.get()
    assert (lane.name, lane.reason, lane.ceiling, lane.rate) == ("gmail", "rate", 20, 10)
    assert "unusual rate" in lane.words
    allowed = lanes.allowances(relay, [GMAIL, QQ, 0])
    assert isinstance(allowed[GMAIL], pace.Wait)
    assert (allowed[QQ], allowed[0]) == (lanes.UNLIMITED, lanes.UNLIMITED)
    assert (lanes.quotas(relay) or {})[GMAIL] == 0
    relay.refresh_from_db()
    assert relay.wait_until is None

    # One tries when the pause is over, the others wait for what comes of it.
    stepped.step(7)
    assert lanes.allowances(relay, [GMAIL])[GMAIL] == 1
    admitted, deferred = lanes.admit(relay, gmail[:1])
    assert (len(admitted), deferred) == (1, [])
    assert isinstance(lanes.allowances(relay, [GMAIL])[GMAIL], pace.Wait)
    learn(relay, (gmail[:1], ACCEPTED))
    assert lanes.allowances(relay, [GMAIL])[GMAIL] == 10

    # What was claimed is counted.
    lanes.admit(relay, gmail[:10])
    assert isinstance(lanes.allowances(relay, [GMAIL])[GMAIL], pace.Wait)
    stepped.step(1)
    assert lanes.allowances(relay, [GMAIL])[GMAIL] == 10


def test_a_probe_that_is_refused_makes_the_pause_longer(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    gmail = people("gmail.com", 30)
    learn(relay, (gmail[:20], ACCEPTED), (gmail[20:], SLOWER))
    pauses = []
    for _ in range(4):
        until = Lane.objects.get().closed_until
        assert until is not None
        pauses.append((until - stepped.moment).total_seconds())
        stepped.step(pauses[-1])
        lanes.admit(relay, gmail[:1])
        learn(relay, (gmail[:1], SLOWER))
    assert all(after > 1.3 * before for before, after in itertools.pairwise(pauses))
    assert Lane.objects.get().ceiling == 20


def test_what_was_on_its_way_when_a_lane_closed_says_nothing(
    make_relay: Make, stepped: Clock
) -> None:
    relay = make_relay()
    gmail = people("gmail.com", 30)
    learn(relay, (gmail[:20], ACCEPTED), (gmail[20:], SLOWER))
    before = Lane.objects.values().get()
    stepped.step(1)
    learn(relay, (gmail[20:], SLOWER))
    after = Lane.objects.values().get()
    for name in ("ceiling", "failures", "closed_until"):
        assert after[name] == before[name]


@pytest.mark.parametrize(
    ("domain", "code", "words", "slowed"),
    [
        # A service speaks of its customer's account, unless the mail is for its own mailboxes.
        ("gmail.com", 451, "Brevo: no credits left", "*"),
        ("gmail.com", 552, "aliyun: too frequently sending", "*"),
        ("aliyun.com", 552, "aliyun: too frequently sending", "aliyun"),
        # The provider's rule says that it is about the account.
        ("gmail.com", 550, "5.4.5 Daily user sending limit exceeded - gsmtp", "*"),
        ("gmail.com", 421, "4.7.28 unusual rate of mail - gsmtp", "gmail"),
        # So does a general one.
        ("qq.com", 450, "Hourly limit of messages reached", "*"),
    ],
)
def test_rules_say_whose_limit_it_is(
    make_relay: Make, domain: str, code: int, words: str, slowed: str
) -> None:
    some = people(domain, 30)
    said = refused(code, words, Stage.CONTENT)
    learn(make_relay(), (some[:14], ACCEPTED), (some[14:], said))
    assert Lane.objects.get().name == slowed


def test_the_relay_s_own_limit_slows_it_as_a_whole(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    gmail = people("gmail.com", 30)
    learn(relay, (gmail[:14], ACCEPTED), (gmail[14:], OWN))
    lane = Lane.objects.get()
    assert (lane.name, lane.ceiling, lane.rate) == ("*", 14, 7)
    relay.refresh_from_db()
    assert (relay.wait_reason, relay.wait_until) == ("rate", lane.closed_until)
    assert "Throttling" in relay.state_words


def test_complaints_in_many_lanes_are_the_relay_s_own(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    mixed = [one for n in range(8) for one in people(f"x{n}.example", 2, 10 * n)]
    words = refused(450, "4.7.1 slow down", Stage.RCPT)
    learn(relay, (mixed[::2], ACCEPTED), (mixed[1::2], words))
    assert Lane.objects.get().name == "*"


def test_a_lane_that_is_open_again_still_says_why_it_is_slow(
    make_relay: Make, stepped: Clock
) -> None:
    relay = make_relay()
    learn(relay, (people("qq.com", 6), ACCEPTED), (people("qq.com", 2, 50), SLOWER))
    stepped.step(60)
    learn(relay, (people("qq.com", 1), ACCEPTED))
    lane = Lane.objects.get()
    assert (lane.closed_until, lane.reason) == (None, "rate")
    assert "unusual rate of mail" in lane.words
    assert lane.rate


def test_a_dead_provider_closes_its_lane_and_nothing_else(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    for _ in range(3):  # four at a time: it takes ten
        learn(relay, (people("qq.com", 4), LATER), (people("x.example", 4, 50), ACCEPTED))
        stepped.step(1)
    lane = Lane.objects.get()
    assert (lane.name, lane.reason, lane.rate) == ("qq", "transient", None)
    stepped.step(10)
    learn(relay, (people("qq.com", 1), ACCEPTED))
    assert not Lane.objects.exists()


def test_a_slowed_domain_s_messages_are_put_off_once_each(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    Lane.objects.create(relay=relay, name="x.example", rate=5, ceiling=10)
    crowd = people("x.example", 100)
    others = people("y.example", 5, 500)
    admitted, deferred = lanes.admit(relay, [*crowd, *others])
    assert [one.address for one in admitted[-5:]] == [one.address for one in others]
    assert len(admitted) == 6 + 5  # a second's worth, and the one that is due
    gaps = {
        round((after.until - before.until).total_seconds(), 6)
        for before, after in itertools.pairwise(deferred)
    }
    assert gaps == {0.2}
    # Others of the domain come behind those.
    _, later = lanes.admit(relay, people("x.example", 2, 900))
    assert later[0].until > deferred[-1].until
    # Their moment came: they go.
    stepped.step(30)
    again, put_off = lanes.admit(relay, crowd, again=True)
    assert (len(again), put_off) == (100, [])
    # Unless the lane was closed meanwhile.
    Lane.objects.update(closed_until=stepped.moment + timedelta(seconds=60), reason="rate")
    again, put_off = lanes.admit(relay, crowd, again=True)
    assert not again
    assert put_off[0].until >= stepped.moment + timedelta(seconds=60)


def test_nobody_is_put_off_for_days(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    Lane.objects.create(relay=relay, name="x.example", rate=1 / 60, ceiling=1 / 30)
    _, deferred = lanes.admit(relay, people("x.example", 1000))
    assert max(one.until for one in deferred) <= NOON + lanes.FARTHEST + timedelta(minutes=2)


def test_a_lane_that_answers_late_is_eased(make_relay: Make, stepped: Clock) -> None:
    relay = make_relay()
    late = Outcome(End.ACCEPTED, 250, "2.0.0 taken", Stage.CONTENT, 6.0)
    for _ in range(20):
        learn(relay, (people("gmail.com", 40), ACCEPTED))
        stepped.step(1)
    learn(relay, (people("gmail.com", 40), late))
    lane = Lane.objects.get()
    assert (lane.name, lane.reason, lane.closed_until) == ("gmail", "slow", None)
    assert lane.rate == pytest.approx(37.5)


@pytest.mark.parametrize("domain", ["gmail.com", "x.example"])
def test_slow_mailboxes_among_quick_ones_ease_nothing(
    make_relay: Make, stepped: Clock, domain: str
) -> None:
    relay = make_relay()
    late = Outcome(End.ACCEPTED, 250, "2.0.0 taken", Stage.CONTENT, 20.0)
    for first in range(0, 200, 20):
        quick, slow = people(domain, 14, first), people(domain, 3, first + 14)
        learn(relay, (quick, ACCEPTED), (slow, late))
        stepped.step(1)
    # Nor a batch of one mail, as a campaign with a low rate has them.
    for number in range(30):
        learn(relay, (people(domain, 1, 300 + number), late))
        stepped.step(5)
    assert not Lane.objects.exists()


def test_a_batch_in_which_all_were_accepted_is_read_in_the_same_way(
    make_relay: Make, stepped: Clock
) -> None:
    relay, crowd = make_relay(), people("gmail.com", 40)

    def take(slow: int) -> None:
        accepted = Accepted()
        for place, one in enumerate(crowd):
            accepted.add(one.id, one.lane, "250 ok", 20.0 if place < slow else 0.05)
        lanes.learn(relay, crowd, {}, accepted, seconds=1.0)
        stepped.step(1)

    for _ in range(20):
        take(slow=5)
    assert not Lane.objects.exists()
    take(slow=30)
    assert Lane.objects.get().reason == "slow"


def test_what_nobody_has_seen_for_days_is_forgotten(make_relay: Make) -> None:
    relay = make_relay()
    Lane.objects.create(relay=relay, name="new.example", rate=1)
    old = Lane.objects.create(relay=relay, name="old.example", rate=1)
    Lane.objects.filter(pk=old.pk).update(changed_at=NOON.replace(year=2020))
    assert lanes.forget_stale() == 1
    assert Lane.objects.get().name == "new.example"


@pytest.mark.parametrize(
    ("code", "words", "stage"),
    [
        (450, "4.2.1 The recipient has exceeded message rate limit, try later", Stage.RCPT),
        (
            554,
            "5.2.122 The recipient has exceeded their limit for messages per hour",
            Stage.CONTENT,
        ),
        (554, "5.2.121 Recipient receive rate exceeded", Stage.CONTENT),
        (450, "4.2.1 The user you are trying to contact is receiving mail too quickly", Stage.RCPT),
        (450, "4.2.1 The user you are trying to contact is receiving mail at a rate", Stage.RCPT),
        (451, "4.7.1 Too many messages to this recipient, try again later", Stage.RCPT),
        (452, "4.2.1 Mailbox is busy, try again later", Stage.RCPT),
    ],
)
def test_a_limit_of_one_mailbox_is_none_of_its_provider(
    make_relay: Make, stepped: Clock, code: int, words: str, stage: Stage
) -> None:
    relay = make_relay()
    said = refused(code, words, stage)
    for first in (0, 100):
        learn(relay, (people("outlook.com", 15, first), said))
        learn(relay, (people("x.example", 15, first), said))
    assert not Lane.objects.exists()
    relay.refresh_from_db()
    assert relay.wait_until is None


def test_the_relays_own_limit_is_one_though_it_names_a_user(
    make_relay: Make, stepped: Clock
) -> None:
    relay = make_relay()
    words = "4.7.0 User has exceeded the sending limit, throttled"
    learn(relay, (people("gmail.com", 15), refused(450, words, Stage.RCPT)))
    assert Lane.objects.get().name == "*"
