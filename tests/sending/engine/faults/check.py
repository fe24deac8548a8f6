"""What holds after every fault: the ledger closes and tells what the servers know."""

import email
import email.policy
from collections import Counter
from collections.abc import Collection

from django.db.models import Sum

from sending.host import journal
from sending.models import Batch, Mailing, Message, Tally, TallyMinute
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.faults.faultplan import Mail
from tests.sending.engine.faults.scene import Scene
from tests.sending.engine.faults.server import Server

State = Message.State


def assert_right(scene: Scene, *, resent: Collection[str] = ()) -> Tally:
    """`resent`: addresses of messages that a person asked to send again."""
    tally = assert_closes(scene.mailing)
    rows = {row.address: row for row in Message.objects.filter(mailing=scene.mailing)}
    assert rows.keys() == set(scene.people), "somebody is missing in the ledger"
    accepted: Counter[str] = sum((server.accepted for server in scene.servers), Counter())
    twice = {who: n for who, n in accepted.items() if n > 1 + (who in resent)}
    assert not twice, f"mailed more than once: {twice}"
    for row in rows.values():
        _assert_told(row, accepted[row.address], scene.servers)
    _assert_reasons(scene.mailing, tally)
    for server in scene.servers:
        _assert_civil(server)
    return tally


def assert_ended(scene: Scene, *, resent: Collection[str] = ()) -> Tally:
    """The same of a mailing whose faults are over: it is finished and nothing is left lying."""
    scene.mailing.refresh_from_db()
    assert scene.mailing.state == Mailing.State.FINISHED
    tally = assert_right(scene, resent=resent)
    assert tally.waiting == tally.in_flight == 0
    assert not Batch.objects.filter(mailing=scene.mailing).exists()
    minutes = TallyMinute.objects.filter(mailing=scene.mailing)
    sums = minutes.aggregate(accepted=Sum("accepted"), failed=Sum("failed"))
    assert (sums["accepted"] or 0, sums["failed"] or 0) == (tally.accepted, tally.failed)
    return tally


def assert_no_journals() -> None:
    """Of workers that ended nothing is left to recover."""
    left = sorted(path.name for path in journal.directory().glob("*.journal"))
    assert not left


def _assert_told(row: Message, accepted: int, servers: list[Server]) -> None:
    """The row says of one person what the servers know."""
    who = row.address
    state = State(row.state).name
    if row.state == State.ACCEPTED:
        assert accepted, f"{who} is accepted, but no server took the mail"
    elif accepted:
        assert row.state == State.UNKNOWN, f"{who} has the mail, but is {state} ({row.reason})"
    if row.state == State.UNKNOWN and row.reason != "worker_lost":
        asked = any(server.asked[who] for server in servers)
        # Chunks are written unasked.
        unasked = any(server.character.chunking for server in servers)
        assert asked or unasked, f"{who} is unknown, but no server ever asked for the content"
    if row.state == State.FAILED:
        said = [r for server in servers for r in (*server.refused[who], *server.refused_unseen)]
        told = f"{who} failed, told {row.reply!r}; the servers said {said}"
        assert row.reply.encode()[:3] in {reply[:3] for reply in said}, told
        assert row.reply.startswith("5"), f"{who} failed, told {row.reply}"


def _assert_reasons(mailing: Mailing, tally: Tally) -> None:
    silent = Message.objects.filter(mailing=mailing, reason="")
    assert not silent.exclude(state__in=[State.ACCEPTED, State.WAITING]).exists()
    assert tally.targeted == Message.objects.filter(mailing=mailing).count()


def _assert_civil(server: Server) -> None:
    """What a client may never do, whatever the server did."""
    assert not server.broken
    assert not [line for line in server.in_clear if line.split(b" ")[0] in {b"MAIL", b"AUTH"}]
    for mail in server.mails:
        _assert_whole(mail)


def _assert_whole(mail: Mail) -> None:
    """The mail is its recipient's own, from the first line to the last."""
    parsed = email.message_from_bytes(mail.content, policy=email.policy.SMTP)
    assert [to.addr_spec for to in parsed["To"].addresses] == [mail.recipient]
    boundary = mail.content.split(b'boundary="', 1)[1].split(b'"', 1)[0]
    assert mail.content.rstrip().endswith(b"--" + boundary + b"--")
