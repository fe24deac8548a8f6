"""PostgreSQL's plans stay fit for large batches when its statistics mislead it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from sending.models import Mailing, Message, Relay
from sending.queries.claim import claim, left_since
from sending.queries.record import Result, Taken, record
from sending.services import mailings

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 8_000
# Rows that a statement about four thousand messages may compare in vain; all with all are millions.
IN_VAIN = 100_000


@contextmanager
def compared() -> Iterator[dict[str, int]]:
    """{statement: pairs of rows that its joins looked at for nothing}, of what is run inside."""
    found: dict[str, int] = {}

    def explained(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("WITH", "UPDATE", "SELECT")):
            with transaction.atomic():
                execute(
                    f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", parameters, many, context
                )
                plan = context["cursor"].fetchone()[0]
                plan = json.loads(plan) if isinstance(plan, str) else plan
                found[sql] = max(found.get(sql, 0), in_vain(plan[0]["Plan"]))
                transaction.set_rollback(True)
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explained):
        yield found


def in_vain(plan: dict[str, Any]) -> int:
    own = int(plan.get("Rows Removed by Join Filter", 0) * plan["Actual Loops"])
    return own + sum(map(in_vain, plan.get("Plans", ())))


@pytest.mark.slow
def test_a_mailing_after_others_are_done(open_to: Callable[..., Mailing], relay: Relay) -> None:
    """No message waits, say the statistics: one row may be left to look for, in the whole table.
    A join that believes it compares each row with each of the batch; that took a minute for a
    batch of five thousand."""
    people = [f"p{n}@x.example" for n in range(PEOPLE)]
    done = [open_to(people) for _ in range(2)]
    Message.objects.update(state=Message.State.ACCEPTED)
    Mailing.objects.filter(pk__in=[one.pk for one in done]).update(state=Mailing.State.FINISHED)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE sending_message")
    mailing = open_to(people)

    with compared() as found:
        held = claim(mailing, relay, holder="here:one", limit=4000)
        assert held is not None
        numbers = [message.id for message in held.messages]
        left_since(mailing, numbers)
        taken = Taken()
        for number in numbers[:3000]:
            taken.add(number, 0, "250 ok", 0.1)
        failed = [
            Result(number, Message.State.FAILED, "policy", "550 5.7.1 No")
            for number in numbers[3000:]
        ]
        record(held, failed, taken)
        mailings.cancel(mailing)
        mailings.drop_cancelled(mailing)

    assert len(found) > 8
    assert {sql: pairs for sql, pairs in found.items() if pairs > IN_VAIN} == {}
    assert set(Message.objects.filter(mailing=mailing).values_list("state", flat=True)) == {
        Message.State.ACCEPTED,
        Message.State.FAILED,
        Message.State.SKIPPED,
    }
