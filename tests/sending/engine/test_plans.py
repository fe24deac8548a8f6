"""PostgreSQL's plans stay fit for large batches when its statistics mislead it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction

from contacts.models import List
from relays.models import Relay
from sending.models import Mailing, Message
from sending.queries.claim import claim, left_since
from sending.queries.record import Result, record
from sending.services import mailings
from smtp.accepted import Accepted

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 8_000
BATCH = 4_000
# Pairs of rows that a statement about a batch may compare in vain; all with all are millions.
IN_VAIN = 100_000
# Rows of the ledger that it may read.
READ = 6_000


@dataclass(slots=True)
class Cost:
    """`pairs` of rows that joins looked at for nothing; `read`: rows of the ledger; `rows` of all
    steps of the plan."""

    pairs: int
    read: int
    rows: int


@contextmanager
def compared() -> Iterator[dict[str, Cost]]:
    """{statement: what it cost}, of what is run inside."""
    found: dict[str, Cost] = {}

    def explained(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("WITH", "UPDATE", "SELECT")):
            with transaction.atomic():
                execute(
                    f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters, many, context
                )
                plan = context["cursor"].fetchone()[0]
                plan = json.loads(plan) if isinstance(plan, str) else plan
                root = plan[0]["Plan"]
                found[sql] = Cost(in_vain(root), read(root), rows(root))
                transaction.set_rollback(True)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explained):
        yield found


def in_vain(plan: dict[str, Any]) -> int:
    own = int(plan.get("Rows Removed by Join Filter", 0) * plan["Actual Loops"])
    return own + sum(map(in_vain, plan.get("Plans", ())))


def read(plan: dict[str, Any]) -> int:
    is_scan = (
        plan.get("Relation Name", "").startswith("sending_message_") and "Scan" in plan["Node Type"]
    )
    each = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0) if is_scan else 0
    return int(each * plan["Actual Loops"]) + sum(map(read, plan.get("Plans", ())))


def rows(plan: dict[str, Any]) -> int:
    return int(plan["Actual Rows"] * plan["Actual Loops"]) + sum(map(rows, plan.get("Plans", ())))


@pytest.mark.slow
def test_a_mailing_after_others_are_done(
    open_to: Callable[..., Mailing], make_list: Callable[..., List], relay: Relay
) -> None:
    """No message waits, and none is of this mailing, say the statistics: one row may be left to
    look for. A join that believes it compares each row with each of the batch, which took a minute
    for five thousand; and a claim reads the whole mailing each time."""
    people = [f"p{n}@x.example" for n in range(PEOPLE)]
    # As an import does.
    make_list(people, name="Imported")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact, contacts_subscription")
    done = [open_to(people) for _ in range(2)]
    Message.objects.update(state=Message.State.ACCEPTED)
    Mailing.objects.filter(pk__in=[one.pk for one in done]).update(state=Mailing.State.FINISHED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sending_message")
    mailing = open_to(people)

    with compared() as sent:
        claimed = claim(mailing, relay, holder="here:one", limit=BATCH)
        assert claimed is not None
        numbers = [message.id for message in claimed.messages]
        left_since(mailing, numbers)
        accepted = Accepted()
        for number in numbers[:3000]:
            accepted.add(number, 0, "250 ok", 0.1)
        failed = [
            Result(number, Message.State.FAILED, "policy", "550 5.7.1 No")
            for number in numbers[3000:]
        ]
        record(claimed, failed, accepted)
    with compared() as cancelled:
        mailings.cancel(mailing)
        while mailings.drop_cancelled(mailing, limit=2000)[1]:
            pass

    assert len(sent) > 8
    for sql, cost in (sent | cancelled).items():
        assert cost.pairs < IN_VAIN, sql
        assert cost.read < READ, sql
    assert set(Message.objects.filter(mailing=mailing).values_list("state", flat=True)) == {
        Message.State.ACCEPTED,
        Message.State.FAILED,
        Message.State.SKIPPED,
    }


def test_a_list_that_is_newer_than_the_statistics_is_frozen_in_one_pass(
    open_to: Callable[..., Mailing], make_list: Callable[..., List]
) -> None:
    """Nobody is on it, say the statistics: each step may expect one row."""
    make_list([f"old{n}@x.example" for n in range(PEOPLE)], name="Old")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact, contacts_subscription")
    with compared() as sent:
        open_to([f"new{n}@x.example" for n in range(BATCH)])
    [frozen] = [cost for sql, cost in sent.items() if "INSERT INTO sending_message" in sql]
    assert BATCH < frozen.rows < 40 * BATCH
    assert frozen.pairs < IN_VAIN
