"""The engine as faults meet it: a shift in this process, what beat does, and time made short."""

import time

from django.db import connection

from relays.models import Relay
from relays.services import relays
from sending.engine.shift import run_all
from sending.models import Mailing
from sending.services import dispatch, mailings, recovery
from tests.sending.engine.faults.scene import Scene

# What would be waited for in earnest: retries, back-off, closed lanes.
NOW = """
UPDATE sending_message SET retry_at = now() WHERE mailing_id = %(mailing)s AND retry_at > now();
UPDATE relays_relay SET wait_until = NULL, wait_reason = '', failures = 0
 WHERE workspace_id = %(workspace)s AND wait_until > now();
UPDATE relays_lane SET closed_until = NULL, half_open = false, failures = 0, rate = NULL
  FROM relays_relay r WHERE r.id = relay_id AND r.workspace_id = %(workspace)s;
UPDATE sending_mailing SET next_slot_at = NULL
 WHERE id = %(mailing)s AND next_slot_at IS NOT NULL;
"""

# By table, what tells why a mailing doesn't end.
REPORT = {
    "mailing": "SELECT state, wait_reason, wait_until FROM sending_mailing WHERE id = %(mailing)s",
    "messages": """
        SELECT state, reason, retry_at IS NULL, count(*), min(address), min(reply)
          FROM sending_message WHERE mailing_id = %(mailing)s GROUP BY 1, 2, 3""",
    "batch": """
        SELECT id, holder, epoch, cardinality(ids), leased_until
          FROM sending_batch WHERE mailing_id = %(mailing)s""",
    "lane": "SELECT lane, next_id, last_id FROM sending_mailinglane WHERE mailing_id = %(mailing)s",
    "relay": """
        SELECT id, state, state_reason, state_words, wait_reason, wait_until, failures, exchange
          FROM relays_relay WHERE workspace_id = %(workspace)s""",
    "slot": "SELECT * FROM relays_relayslot WHERE leased_until > now()",
}


def beat() -> None:
    """What beat's ticks do."""
    dispatch.tend_mailings()
    recovery.sweep()


def hurry(scene: Scene) -> None:
    """Whatever waits until a time is due now."""
    known = {"mailing": scene.mailing.pk, "workspace": scene.mailing.workspace_id}
    with connection.cursor() as cursor:
        for sql in NOW.split(";\n")[:-1]:
            cursor.execute(sql, known)


def mend(scene: Scene) -> list[str]:
    """A person resumes what the platform stopped; returns why it was."""
    why = []
    for relay in Relay.objects.filter(
        workspace_id=scene.mailing.workspace_id, state=Relay.State.STOPPED
    ):
        why.append(f"{relay.state_reason}: {relay.state_words}")
        relays.resume(relay)
    scene.mailing.refresh_from_db()
    if scene.mailing.state == Mailing.State.PAUSED:
        why.append(f"{scene.mailing.state_reason}: {scene.mailing.state_words}")
        mailings.resume(scene.mailing)
    return why


def shift() -> int:
    """Carries what is due, in this process; how many messages came to an outcome."""
    recovery.recover_journals()
    return run_all(budget=5.0, linger=0.0)


def drive(scene: Scene, *, seconds: float = 20.0, mending: bool = False) -> list[str]:
    """Until the mailing is finished, by shifts in this process. What is stopped stays so, unless
    `mending`; returns why it was."""
    end = time.monotonic() + seconds
    why: list[str] = []
    while True:
        shift()
        beat()
        scene.mailing.refresh_from_db()
        if scene.mailing.state == Mailing.State.FINISHED:
            return why
        assert time.monotonic() < end, report(scene)
        why += mend(scene) if mending else []
        hurry(scene)


def wait_until_finished(scene: Scene, *, seconds: float = 20.0, beating: bool = True) -> None:
    """While workers send; what waits until a time is hurried on. `beating`: recovers, too."""

    def finished() -> bool:
        if beating:
            beat()
        else:
            dispatch.tend_mailings()
        scene.mailing.refresh_from_db()
        if scene.mailing.state == Mailing.State.FINISHED:
            return True
        hurry(scene)
        return False

    end = time.monotonic() + seconds
    while not finished():
        assert time.monotonic() < end, report(scene)
        scene.servers[0].pause()


def report(scene: Scene) -> str:
    """Why it is not finished, as far as rows and servers tell."""
    known = {"mailing": scene.mailing.pk, "workspace": scene.mailing.workspace_id}
    lines = [""]
    with connection.cursor() as cursor:
        for name, sql in REPORT.items():
            cursor.execute(sql, known)
            lines += [f"{name}: {row}" for row in cursor.fetchall()]
    for server in scene.servers:
        lines.append(f"server {server.port}: {dict(server.turns)}, {len(server.mails)} accepted")
    return "\n".join(lines)
