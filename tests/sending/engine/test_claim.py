"""Claims, records and what stands between them: nobody twice, nobody left out."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from contacts.provenance import BY_HAND
from contacts.services import suppressions
from relays.models import Relay
from sending.models import Batch, Mailing, MailingLane, Message, Tally
from sending.queries.claim import Claim, claim, left_since, share
from sending.queries.record import Result, record
from sending.services import mailings
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
State = Message.State
Open = Callable[..., Mailing]


def take(mailing: Mailing, relay: Relay, limit: int = 100, **more: object) -> Claim:
    claimed = claim(mailing, relay, holder="here:one", limit=limit, **more)  # type: ignore[arg-type]
    assert claimed is not None
    return claimed


def ids(claimed: Claim) -> list[int]:
    return [message.id for message in claimed.messages]


def accept(numbers: Sequence[int]) -> list[Result]:
    return [Result(number, State.ACCEPTED, reply="250 ok") for number in numbers]


def test_each_lane_is_one_range_of_ids(open_to: Open) -> None:
    people = [f"p{n}@{domain}" for n in range(5) for domain in ("qq.com", "gmail.com", "x.example")]
    mailing = open_to(people)
    lanes = {lane.lane: lane for lane in MailingLane.objects.filter(mailing=mailing)}
    assert {number: lane.targeted for number, lane in lanes.items()} == {0: 5, 1: 5, 6: 5}
    for number, lane in lanes.items():
        rows = Message.objects.filter(pk__gte=lane.first_id, pk__lte=lane.last_id)
        assert {row.lane for row in rows} == {number}
        assert rows.count() == 5
        assert lane.next_id == lane.first_id


def test_claims_take_everybody_once_and_touch_no_row(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@{d}" for n in range(10) for d in ("qq.com", "x.example", "163.com")])
    taken: list[int] = []
    while claimed := claim(mailing, relay, holder="here:one", limit=7):
        taken += ids(claimed)
    everybody = Message.objects.filter(mailing=mailing)
    assert sorted(taken) == sorted(everybody.values_list("pk", flat=True))
    assert set(everybody.values_list("state", "relay_id")) == {(State.WAITING, None)}
    tally = assert_closes(mailing)
    assert (tally.waiting, tally.in_flight) == (0, 30)


def test_a_closed_lane_is_left_alone(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@{domain}" for n in range(10) for domain in ("qq.com", "gmail.com")])
    claimed = take(mailing, relay, quotas={1: 4})
    assert {message.address.split("@")[1] for message in claimed.messages} == {"gmail.com"}
    assert len(claimed.messages) == 4
    assert claim(mailing, relay, holder="here:one", limit=5, quotas={}) is None


def test_shares_end_together() -> None:
    assert share(100, {0: 900, 1: 90, 6: 10}, None) == {0: 90, 1: 9, 6: 1}
    assert share(10, {0: 10_000, 1: 1}, None) == {0: 9, 1: 1}
    assert share(10, {0: 3, 1: 4}, None) == {0: 3, 1: 4}
    assert share(10, {0: 50, 1: 50}, {0: 2}) == {0: 2}
    assert share(2, {0: 5, 1: 5, 2: 5}, None) in ({0: 1, 1: 1}, {1: 1, 2: 1}, {0: 1, 2: 1})
    assert share(5, {}, None) == {}


def test_what_is_given_back_is_claimed_first_and_in_parts(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(20)])
    first = take(mailing, relay, 10)
    record(first, accept(ids(first)[:4]))
    assert Batch.objects.get().holder == ""
    again = take(mailing, relay, 4)
    assert ids(again) == ids(first)[4:8]
    rest = take(mailing, relay, 4)
    assert ids(rest) == ids(first)[8:]
    assert not set(ids(take(mailing, relay, 100))) & set(ids(first))
    assert assert_closes(mailing).accepted == 4


def test_who_lost_the_batch_records_nothing(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(4)])
    lost = take(mailing, relay)
    record(lost, [])
    theirs = claim(mailing, relay, holder="there:two", limit=10)
    assert theirs is not None
    assert ids(theirs) == ids(lost)
    assert record(lost, accept(ids(lost))) == set()
    assert record(theirs, accept(ids(theirs))) == set(ids(theirs))
    assert assert_closes(mailing).accepted == 4


def test_a_batch_is_recorded_in_parts(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(6)])
    claimed = take(mailing, relay)
    record(claimed, accept(ids(claimed)[:2]), ends=False)
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.in_flight) == (2, 4)
    # Said again, it changes nothing.
    assert record(claimed, accept(ids(claimed)[:3]), ends=False) == {ids(claimed)[2]}
    record(claimed, accept(ids(claimed)[3:]))
    assert not Batch.objects.exists()
    assert assert_closes(mailing).accepted == 6


def test_retries_come_when_due_and_leave_it_to_others_first(open_to: Open, relay: Relay) -> None:
    mailing = open_to(["a@x.example", "b@x.example"])
    claimed = take(mailing, relay)
    soon, now = ids(claimed)
    later = timezone.now() + timedelta(minutes=5)
    record(
        claimed,
        [
            Result(soon, State.WAITING, "transient", "451 later", later),
            Result(now, State.WAITING, "transient", "451 now", timezone.now()),
        ],
    )
    other = Relay.objects.create(workspace=relay.workspace, name="Other", host="127.0.0.1", port=1)
    assert claim(mailing, relay, holder="here:one", limit=9, others=True) is None
    retried = take(mailing, other, others=True)
    assert ids(retried) == [now]
    assert retried.messages[0].attempts == 1
    assert claim(mailing, other, holder="here:one", limit=9) is None
    assert Message.objects.get(pk=now).retry_at is None
    assert Message.objects.get(pk=soon).retry_at == later
    assert_closes(mailing)


def test_two_workers_share_a_mailing(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@{d}" for n in range(200) for d in ("qq.com", "x.example")])
    taken: list[int] = []

    def work() -> None:
        try:
            while claimed := claim(mailing, relay, holder=threading.current_thread().name, limit=9):
                taken.extend(ids(claimed))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(taken) == len(set(taken)) == 400
    assert assert_closes(mailing).in_flight == 400


def test_cancelled_skips_what_waits_in_all_three_places(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(12)])
    back, tried, claimed = (take(mailing, relay, 3) for _ in range(3))
    record(back, accept(ids(back)[:1]))
    due = timezone.now() + timedelta(hours=1)
    record(tried, [Result(n, State.WAITING, "transient", "451", due) for n in ids(tried)])
    # What a worker holds comes back by itself.
    mailings.cancel(mailing)
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.in_flight, tally.waiting, tally.skipped) == (1, 3, 0, 8)
    record(claimed, accept(ids(claimed)[:1]))
    mailings.drop_cancelled(mailing)
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.skipped) == (2, 10)
    assert not Message.objects.filter(state=State.WAITING).exists()


def test_finished_only_when_nobody_is_left(
    open_to: Open, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(3)])
    claimed = take(mailing, relay)
    assert mailings.finish_all() == 0
    record(claimed, accept(ids(claimed)[:2]))
    assert mailings.finish_all() == 0
    # As no code does: the last one is nowhere.
    Batch.objects.all().delete()
    assert mailings.finish_all() == 0
    assert "were nowhere" in caplog.text
    rest = take(mailing, relay)
    assert ids(rest) == ids(claimed)[2:]
    Tally.objects.filter(mailing=mailing).update(in_flight=1, waiting=0)
    record(rest, accept(ids(rest)))
    assert mailings.finish_all() == 1


def test_who_left_is_asked_while_they_wait(open_to: Open, relay: Relay) -> None:
    mailing = open_to(["a@x.example", "b@x.example"])
    claimed = take(mailing, relay)
    assert left_since(mailing, ids(claimed)) == {}
    suppressions.suppress(
        mailing.workspace, value="b@x.example", kind="address", reason="complained", source=BY_HAND
    )
    (gone,) = (message.id for message in claimed.messages if message.address == "b@x.example")
    assert left_since(mailing, ids(claimed)) == {gone: "suppressed_complained"}


def test_accepted_is_a_heap_only_update(open_to: Open, relay: Relay) -> None:
    mailing = open_to([f"p{n}@x.example" for n in range(10)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(n_tup_upd), sum(n_tup_hot_upd) FROM pg_stat_user_tables"
            " WHERE relname LIKE 'sending_message%'"
        )
        before = cursor.fetchone()
        claimed = take(mailing, relay)
        record(claimed, accept(ids(claimed)))
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")
        cursor.execute(
            "SELECT sum(n_tup_upd), sum(n_tup_hot_upd) FROM pg_stat_user_tables"
            " WHERE relname LIKE 'sending_message%'"
        )
        after = cursor.fetchone()
    assert (after[0] - before[0], after[1] - before[1]) == (10, 10)
