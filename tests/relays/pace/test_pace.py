"""What a relay's limits let through, over any number of workers."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from relays.models import Lane, Pool, PoolMember, Relay, RelayUse
from relays.queries import clock
from relays.services import pace
from relays.services.pace import Reservation, Wait
from sending.services import reservations
from tests.relays.pace.conftest import NOON, Clock

pytestmark = pytest.mark.django_db
Make = Callable[..., Any]


def reserved(found: Reservation | Wait) -> Reservation:
    assert isinstance(found, Reservation), found
    return found


def waited(found: Reservation | Wait) -> Wait:
    assert isinstance(found, Wait), found
    return found


def test_without_limits_all_goes_at_once(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    reservation = reserved(reservations.reserve(make_relay(), make_mailing(), 2000))
    assert (reservation.count, reservation.delay, reservation.spacing) == (2000, 0.0, 0.0)


def test_a_rate_is_handed_out_in_slices_of_a_second(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(per_second=14), make_mailing()
    first, second = (reserved(reservations.reserve(relay, mailing, 500)) for _ in range(2))
    assert (first.count, first.delay) == (14, 0.0)
    assert first.spacing == pytest.approx(1 / 14)
    # One more may be claimed ahead.
    assert (second.count, second.delay) == (14, pytest.approx(1.0))
    wait = waited(reservations.reserve(relay, mailing, 500))
    assert (wait.reason, wait.of_relay, wait.seconds) == ("per_second", True, pytest.approx(1.0))
    relay.refresh_from_db()
    assert relay.wait_until is None  # that is the pace itself
    stepped.step(1)
    assert reserved(reservations.reserve(relay, mailing, 500)).delay == pytest.approx(1.0)


def most_within(sent: list[float], seconds: float) -> int:
    """The largest number of moments within any interval of so many seconds."""
    return max(sum(begin <= one < begin + seconds for one in sent) for begin in sent)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limits", "seconds", "most"),
    [
        ({"per_second": 14}, 1, 14),
        ({"per_minute": 600}, 60, 600),
        # The tighter of the two.
        ({"per_second": 14, "per_minute": 300}, 60, 300),
        ({"per_minute": 6}, 60, 6),
    ],
)
def test_no_rate_is_exceeded_by_more_than_a_slice(  # noqa: PLR0917
    make_relay: Make,
    make_mailing: Make,
    stepped: Clock,
    limits: dict[str, int],
    seconds: float,
    most: int,
) -> None:
    """Three workers ask as often as they can for two minutes."""
    relay, mailing = make_relay(**limits), make_mailing()
    sent: list[float] = []
    for _ in range(400):
        for _worker in range(3):
            found = reservations.reserve(relay, mailing, 100)
            if isinstance(found, Reservation):
                begin = (stepped.moment - NOON).total_seconds() + found.delay
                sent += [begin + place * found.spacing for place in range(found.count)]
        stepped.step(0.3)
    rate = most / seconds
    assert most_within(sent, seconds) <= most + max(1, rate)
    # And nothing is left lying either.
    assert len(sent) >= 0.97 * rate * 120


def test_hours_and_days_end_in_waits_with_their_end(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(per_hour=200, per_day=300), make_mailing()
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 200
    wait = waited(reservations.reserve(relay, mailing, 500))
    assert (wait.reason, wait.until) == ("per_hour", NOON + timedelta(hours=1))
    relay.refresh_from_db()
    assert (relay.wait_reason, relay.wait_until) == ("per_hour", wait.until)
    stepped.step(3600)
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 100
    wait = waited(reservations.reserve(relay, mailing, 500))
    assert (wait.reason, wait.until) == ("per_day", datetime(2026, 3, 5, tzinfo=UTC))
    stepped.step(11 * 3600)
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 200


def test_what_was_not_used_is_given_back(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(per_hour=20, per_second=10), make_mailing(per_minute=60)
    reservation = reserved(reservations.reserve(relay, mailing, 10))
    assert reservation.count == 1  # the mailing's own rate
    other = make_mailing()
    reservation = reserved(reservations.reserve(relay, other, 10))
    assert (reservation.count, reservation.delay) == (10, pytest.approx(0.1))
    pace.give_back(relay, reservation, 8)
    assert RelayUse.objects.get().count == 3
    relay.refresh_from_db()
    assert relay.next_slot_at == NOON + timedelta(seconds=0.3)


def test_what_a_claim_did_not_find_is_others_at_once(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    """A reservation for ten, of a mailing that had four left; one of those was not handed over
    either."""
    relay, mailing = make_relay(per_second=10), make_mailing()
    reservation = pace.trim(relay, reserved(reservations.reserve(relay, mailing, 10)), 4)
    assert (reservation.count, RelayUse.objects.get().count) == (4, 4)
    relay.refresh_from_db()
    assert relay.next_slot_at == NOON + timedelta(seconds=0.4)
    pace.give_back(relay, reservation, 1)
    relay.refresh_from_db()
    assert (relay.next_slot_at, RelayUse.objects.get().count) == (NOON + timedelta(seconds=0.3), 3)


def test_an_interval_that_others_follow_is_not_given_back(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(per_second=10), make_mailing()
    first = reserved(reservations.reserve(relay, mailing, 5))
    reserved(reservations.reserve(relay, mailing, 5))
    pace.give_back(relay, first, 5)
    relay.refresh_from_db()
    assert relay.next_slot_at == NOON + timedelta(seconds=1)
    assert RelayUse.objects.get().count == 5


def test_a_mailing_has_a_rate_of_its_own(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, slow, quick = make_relay(per_second=100), make_mailing(per_minute=60), make_mailing()
    for delay in (0.0, 1.0):
        reservation = reserved(reservations.reserve(relay, slow, 50))
        assert (reservation.count, reservation.delay) == (1, pytest.approx(delay))
    wait = waited(reservations.reserve(relay, slow, 50))
    assert (wait.reason, wait.of_relay, wait.seconds) == ("mailing_rate", False, pytest.approx(1))
    # The slow one took two hundredths of a second of the relay, no more.
    reservation = reserved(reservations.reserve(relay, quick, 50))
    assert (reservation.count, reservation.delay) == (50, pytest.approx(0.02))


def test_a_mailing_waits_for_its_window(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    window = {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"}
    wait = waited(reservations.reserve(make_relay(), make_mailing(window=window), 50))
    assert (wait.reason, wait.of_relay) == ("window", False)
    assert wait.until == datetime(2026, 3, 5, 1, tzinfo=UTC)  # noon in UTC is 20:00 there
    assert not RelayUse.objects.exists()


def test_warm_up_caps_the_day_and_begins_with_the_first_mail(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(warmup={"days": [30, 60]}, per_day=50), make_mailing()
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 30
    relay.refresh_from_db()
    assert relay.warmup_began == NOON.date()
    wait = waited(reservations.reserve(relay, mailing, 500))
    assert (wait.reason, wait.until) == ("warmup", datetime(2026, 3, 5, tzinfo=UTC))
    relay.refresh_from_db()
    assert relay.wait_reason == "warmup"
    stepped.step(24 * 3600)
    # The relay's own limit is the smaller one on the second day.
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 50
    assert waited(reservations.reserve(relay, mailing, 500)).reason == "per_day"


def test_a_relay_that_failed_tries_with_one_message(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(failures=2), make_mailing()
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 1
    wait = waited(reservations.reserve(relay, mailing, 500))
    assert (wait.reason, wait.seconds) == ("connection", pytest.approx(pace.PROBE_EVERY))
    Relay.objects.filter(pk=relay.pk).update(failures=0, next_slot_at=None)
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 500


def test_what_the_server_allowed_is_a_rate_too(
    make_relay: Make, make_mailing: Make, stepped: Clock
) -> None:
    relay, mailing = make_relay(per_second=100), make_mailing()
    lane = Lane.objects.create(relay=relay, name="*", rate=7, ceiling=14)
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 7
    Lane.objects.filter(pk=lane.pk).update(closed_until=NOON + timedelta(seconds=8), reason="rate")
    wait = waited(reservations.reserve(relay, mailing, 500))
    assert (wait.reason, wait.seconds) == ("rate", 8)
    stepped.step(8)
    # Half-open: one tries, the others wait for what comes of it.
    assert reserved(reservations.reserve(relay, mailing, 500)).count == 1
    assert waited(reservations.reserve(relay, mailing, 500)).reason == "rate"


def test_the_clock_is_the_database_s(
    make_relay: Make, make_mailing: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host whose clock is an hour ahead takes nothing out of turn."""
    ahead = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: ahead)
    relay, mailing = make_relay(per_second=10), make_mailing()
    for _ in range(2):
        reserved(reservations.reserve(relay, mailing, 10))
    assert waited(reservations.reserve(relay, mailing, 10)).reason == "per_second"
    assert (clock.now() - ahead).total_seconds() < -3000


def share_of(pool: Pool, relay: Relay) -> float:
    rows = {one.relay_id: one.carried for one in PoolMember.objects.filter(pool=pool)}
    return rows[relay.pk] / sum(rows.values())


@pytest.fixture
def pool(make_relay: Make, workspace: Any) -> tuple[Pool, Relay, Relay]:
    pool = Pool.objects.create(workspace=workspace, name="Main")
    heavy, light = make_relay(), make_relay()
    for relay, weight in ((heavy, 3), (light, 1)):
        PoolMember.objects.create(pool=pool, relay=relay, weight=weight)
    return pool, heavy, light


def test_a_pool_s_shares_follow_the_weights(
    pool: tuple[Pool, Relay, Relay], make_mailing: Make, stepped: Clock
) -> None:
    both, heavy, light = pool
    mailing = make_mailing(pool=both)
    for _ in range(150):
        for relay in (heavy, light):
            reservations.reserve(relay, mailing, 50)
        stepped.step(0.5)
    assert share_of(both, heavy) == pytest.approx(0.75, abs=0.05)


def test_nobody_is_held_for_one_who_does_not_keep_up(
    pool: tuple[Pool, Relay, Relay], make_mailing: Make, stepped: Clock
) -> None:
    both, heavy, light = pool
    mailing = make_mailing(pool=both)
    reservations.reserve(heavy, mailing, 10)
    for _ in range(40):  # the heavy one takes nothing more
        found = reservations.reserve(light, mailing, 50)
        stepped.step(0.5)
    assert reserved(found).count == 50
    # One at a limit of its own can't do more either.
    heavy.per_second = 2
    heavy.save()
    for _ in range(40):
        reservations.reserve(heavy, mailing, 50)
        found = reservations.reserve(light, mailing, 50)
        stepped.step(0.5)
    assert reserved(found).count == 50


def test_over_its_share_one_small_piece_a_second_goes(
    pool: tuple[Pool, Relay, Relay], make_mailing: Make, stepped: Clock
) -> None:
    both, heavy, light = pool
    mailing = make_mailing(pool=both)
    PoolMember.objects.filter(relay=heavy).update(carried=600, carried_at=NOON)
    PoolMember.objects.filter(relay=light).update(carried=600, carried_at=NOON)
    wait = waited(reservations.reserve(light, mailing, 500))
    assert (wait.reason, wait.of_relay, wait.seconds) == ("share", False, 1.0)
    stepped.step(1)
    assert (
        reserved(reservations.reserve(light, mailing, 500)).count == 4
    )  # a quarter of 20 a second, faded
