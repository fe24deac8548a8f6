"""What the log says of a mailing, its relay and its lanes: each event is one line with its fields,
and no line has an address or what a server would like to forge."""

import logging
import re
from collections.abc import Callable, Mapping

import pytest
from django.db import transaction

from environment import logs
from relays import providers
from relays.models import Lane, Relay
from relays.services import health, lanes, relays
from sending.engine import shift
from sending.models import Batch, Fence, Mailing
from sending.queries.claim import claim
from sending.queries.record import record
from sending.services import fence, mailings
from smtp import End, Outcome, Stage, refused
from tests.loglines import logged, named
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
FORGED = "\r\n2026-01-01T00:00:00.000Z ERROR x: forged"


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    """As YANSHU_LOG_LEVEL=DEBUG has it."""
    for app in ("sending", "relays"):
        caplog.set_level(logging.DEBUG, app)


def of(mailing: Mailing) -> dict[str, int]:
    return {"mailing": mailing.pk, "workspace": mailing.workspace_id}


def shown(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The lines as they are written."""
    formatter = logs.TextFormatter()
    return [formatter.format(record) for record in caplog.records]


def test_a_mailing_can_be_followed(
    open_to: Open, relay: Relay, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    mailing = open_to(["ada@x.example", "bob@x.example", "eve@gmail.com"])
    assert shift.run(relay) == 3
    assert mailings.finish_all() == 1
    lines = [(words, fields) for words, fields in logged(caplog) if fields.get("mailing")]
    assert [words for words, _fields in lines] == [
        "recipients frozen",
        "mailing started",
        "batch claimed",
        "batch recorded",
        "mailing finished",
    ]
    frozen, started, claimed, recorded, finished = (fields for _words, fields in lines)
    assert all(fields["mailing"] == mailing.pk for _words, fields in lines)
    assert (frozen["recipients"], frozen["excluded"], frozen["more"]) == (3, 0, False)
    assert str(started["source"]) == "campaign 7"
    assert started.items() >= (of(mailing) | {"relay": relay.pk}).items()
    assert (claimed["relay"], claimed["messages"]) == (relay.pk, 3)
    assert recorded["batch"] == claimed["batch"]
    assert (recorded["accepted"], recorded["failed"], recorded["left"]) == (3, 0, 0)
    assert finished == of(mailing) | {
        "recipients": 3,
        "accepted": 3,
        "failed": 0,
        "skipped": 0,
        "unknown": 0,
    }
    assert "@" not in "".join(shown(caplog))


def test_its_lines_name_relay_and_workspace(
    open_to: Open, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    """Also those of functions that know neither."""
    mailing = open_to(["ada@x.example"])
    contexts: list[Mapping[str, object]] = []

    class Keeping(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage() == "batch recorded":
                contexts.append(logs._fields(record))

    handler = Keeping()
    logging.getLogger().addHandler(handler)
    try:
        shift.run(relay)
    finally:
        logging.getLogger().removeHandler(handler)
    (fields,) = contexts
    assert fields["workspace"] == mailing.workspace_id
    assert fields["relay"] == relay.pk


def test_what_people_do_with_a_mailing(open_to: Open, caplog: pytest.LogCaptureFixture) -> None:
    mailing = open_to(["ada@x.example"])
    assert mailings.pause(mailing)
    assert not mailings.pause(mailing)
    assert mailings.resume(mailing)
    assert mailings.pause(mailing, "Too many refusals")
    assert mailings.cancel(mailing)
    assert named(caplog, "mailing paused") == [
        of(mailing),
        of(mailing) | {"reason": "Too many refusals"},
    ]
    assert named(caplog, "mailing resumed") == [of(mailing)]
    assert named(caplog, "mailing cancelled") == [of(mailing)]


def test_what_is_rolled_back_is_no_line(open_to: Open, caplog: pytest.LogCaptureFixture) -> None:
    mailing = open_to(["ada@x.example"])
    with transaction.atomic():
        mailings.pause(mailing)
        assert not named(caplog, "mailing paused")
        transaction.set_rollback(True)
    assert not named(caplog, "mailing paused")
    with transaction.atomic():
        mailings.pause(mailing)
    assert named(caplog, "mailing paused") == [of(mailing)]


def test_a_batch_of_another_worker(
    open_to: Open, relay: Relay, caplog: pytest.LogCaptureFixture
) -> None:
    mailing = open_to(["ada@x.example"])
    claimed = claim(mailing, relay, holder="here:one", limit=10)
    assert claimed
    Batch.objects.update(holder="there:two")
    record(claimed, [])
    assert named(caplog, "batch taken over by another worker") == [{"batch": claimed.batch_id}]


def test_a_relay_that_refuses_everybody(
    open_to: Open, relay: Relay, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    """The words of its server are foreign text, with the recipient's address."""
    sink.offers = [b"PIPELINING"]
    sink.answer = lambda address: f"550 5.7.1 <{address}> \x1b[2J\u2028 no\r\n".encode()
    mailing = open_to([f"p{n}@d{n % 10}.example" for n in range(200)])
    shift.run(relay)
    (stopped,) = named(caplog, "relay stopped")
    assert (stopped["relay"], stopped["workspace"]) == (relay.pk, mailing.workspace_id)
    (held,) = named(caplog, "run of refusals held")[-1:]
    assert (held["mailing"], held["relay"], held["kind"]) == (mailing.pk, relay.pk, "relay")
    for line in shown(caplog):
        assert line.isprintable()
        assert not re.search(r"p\d+@", line)


def test_a_relay_is_stopped_and_started(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    own = {"relay": relay.pk, "workspace": relay.workspace_id}
    health.stop(relay, "login", f"535 no{FORGED}")
    health.stop(relay, "login", "again")
    assert relays.resume(relay)
    assert relays.pause(relay)
    assert relays.drain(relay)
    health.back_off(relay, "connection", "refused")
    (stopped,) = named(caplog, "relay stopped")
    assert stopped == own | {"reason": "login", "words": f"535 no{FORGED}"}
    for words in ("relay started", "relay paused", "relay drained"):
        assert named(caplog, words) == [own]
    (waits,) = named(caplog, "relay left alone")
    assert (waits["reason"], waits["failures"]) == ("connection", 1)
    assert all(len(line.splitlines()) == 1 for line in shown(caplog))


def test_a_lane_closes_and_opens(relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    gmail = providers.lane_number("gmail")

    class One:
        def __init__(self, number: int) -> None:
            self.id, self.address, self.lane = number, f"p{number}@gmail.com", gmail

    people = [One(number) for number in range(10)]
    slower = refused(421, f"4.7.28 unusual rate{FORGED}", Stage.RCPT)
    lanes.learn(relay, people, {one.id: slower for one in people}, seconds=1.0)
    (closed,) = named(caplog, "lane closed")
    assert (closed["relay"], closed["lane"], closed["reason"]) == (relay.pk, "gmail", "rate")
    assert closed["until"] == Lane.objects.get().closed_until
    assert all(len(line.splitlines()) == 1 for line in shown(caplog))
    # One tries first, and is taken.
    Lane.objects.update(half_open=True)
    accepted = Outcome(End.ACCEPTED, 250, "ok", Stage.CONTENT, 0.1)
    lanes.learn(relay, people[:1], {0: accepted}, seconds=1.0)
    (opened,) = named(caplog, "lane opened")
    assert (opened["relay"], opened["lane"]) == (relay.pk, "gmail")


def test_a_fence(open_to: Open, relay: Relay, caplog: pytest.LogCaptureFixture) -> None:
    mailing = open_to(["ada@x.example"])
    assert fence.is_open()
    one = fence.put_up(Fence.Why.OLDER)
    words = "fence put up: nothing is sent until somebody decides"
    assert named(caplog, words) == [{"why": one.why}]
    (paused,) = named(caplog, "mailing paused")
    assert paused["mailing"] == mailing.pk
    (fenced,) = fence.undecided()
    fence.decide(fenced, go_on=True)
    assert fence.release()
    (decided,) = named(caplog, "fenced mailing decided")
    assert (decided["mailing"], decided["decision"]) == (mailing.pk, "go_on")
    assert named(caplog, "fence taken down") == [{}]
