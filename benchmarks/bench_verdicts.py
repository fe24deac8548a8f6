"""Measures the cost of judging refused addresses of a stream that has sent for a year.

    python -m benchmarks.bench_verdicts [MESSAGES]

The stream has MESSAGES (500,000) settled messages. One in forty is refused, and the last 20 of
these are to be judged. Beside it is a campaign of the same size. For each statement of the
judgement it reports the rows that it reads, and the milliseconds. It has its own embedded
PostgreSQL. The last line is JSON.
"""

import argparse
import json
import time
from typing import Any

from benchmarks.embedded import database

PENDING, EACH = 20, 40
MESSAGES = """
WITH made AS (
  INSERT INTO sending_message (mailing_id, address, lane, variant, repeats, state, attempts, reason,
                               reply, relay_id, settled_at)
  SELECT %(mailing)s, 'p' || n || '@d' || n %% 500 || '.example', 0, 0, %(stream)s,
         CASE WHEN n %% %(each)s = 0 THEN 3 ELSE 2 END, 1,
         CASE WHEN n %% %(each)s <> 0 THEN ''
              WHEN %(stream)s AND n <= %(each)s * %(pending)s THEN 'address_pending'
              ELSE 'address' END,
         '550 5.1.1 No such user', %(relay)s, now() - interval '1 hour' - n * interval '1 second'
    FROM generate_series(%(number)s, 1, -1) n
  RETURNING id, settled_at)
INSERT INTO sending_streamitem (message_id, mailing_id, key, data, created_at)
SELECT id, %(mailing)s, 'old' || id, '{}', settled_at - interval '1 second' FROM made
 WHERE %(stream)s
"""


def made(number: int) -> Any:
    """Makes the messages of the stream and of the campaign. Returns the stream."""
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    from accounts.models import Workspace  # noqa: PLC0415
    from contacts.provenance import Source  # noqa: PLC0415
    from designs.models import Content  # noqa: PLC0415
    from relays.models import Relay  # noqa: PLC0415
    from sending.models import Mailing  # noqa: PLC0415
    from sending.services import streams  # noqa: PLC0415

    workspace = Workspace.objects.create(name="Bench", slug="bench")
    content = Content.objects.create(workspace=workspace, subject="Hi", html="<p>x</p>", text="x")
    relay = Relay.objects.create(workspace=workspace, name="Relay", host="smtp.example.com")
    opened = [
        streams.open_stream(
            workspace=workspace,
            source=Source("stream", which),
            content=content,
            from_name="Shop",
            from_email="shop@example.com",
            relay=relay,
        )
        for which in (1, 2)
    ]
    known = {"relay": relay.pk, "each": EACH, "pending": PENDING, "number": number}
    with connection.cursor() as cursor:
        for one in opened:
            of = {"mailing": one.pk, "stream": one == opened[0]}
            cursor.execute(MESSAGES, known | of)
        cursor.execute(
            "UPDATE sending_tally SET unjudged_since = now() - interval '2 hours'"
            " WHERE mailing_id = %s",
            [opened[0].pk],
        )
    Mailing.objects.filter(pk=opened[1].pk).update(kind=Mailing.Kind.ONE_OFF)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return opened[0]


def rows_read(plan: dict[str, Any]) -> int:
    own = 0
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        own = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
    return int(own * plan["Actual Loops"]) + sum(map(rows_read, plan.get("Plans", ())))


def judged() -> dict[str, Any]:
    """{statement: [rows read, milliseconds]}, sums over all calls."""
    from django.db import connection, transaction  # noqa: PLC0415

    from sending.queries import refusals, verdicts  # noqa: PLC0415
    from sending.services import verdicts as service  # noqa: PLC0415

    names = {
        name: getattr(module, name).split("<")[0][:200].split("%")[0]
        for module in (verdicts, refusals)
        for name in dir(module)
        if name.isupper() and isinstance(getattr(module, name), str)
    }
    found: dict[str, Any] = {}

    def explained(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().startswith(("WITH", "UPDATE", "SELECT")):
            with transaction.atomic():
                explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"
                execute(explain, parameters, many, context)
                [plan] = context["cursor"].fetchone()[0]
                transaction.set_rollback(True)
            name = next((name for name, text in names.items() if sql.startswith(text)), sql[:60])
            rows, spent = found.get(name, (0, 0.0))
            found[name] = (rows + rows_read(plan["Plan"]), round(spent + plan["Execution Time"], 1))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(explained):
        service.judge_due()
    return found


def run(number: int) -> dict[str, Any]:
    from django.db import connection, transaction  # noqa: PLC0415

    from contacts.models import Suppression  # noqa: PLC0415
    from sending.services import verdicts  # noqa: PLC0415

    made(number)
    connection.ensure_connection()
    with transaction.atomic():
        began = time.perf_counter()
        verdicts.judge_due()
        whole = round((time.perf_counter() - began) * 1000, 1)
        assert Suppression.objects.count() == PENDING
        transaction.set_rollback(True)
    return {"messages": number, "judgement_ms": whole, "statements": judged()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("messages", nargs="?", type=int, default=500_000)
    options = parser.parse_args()
    with database():
        print(json.dumps(run(options.messages)))


if __name__ == "__main__":
    main()
