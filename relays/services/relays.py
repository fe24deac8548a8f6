"""Creates, changes, pauses, drains, resumes, archives and tests relays."""

from email.utils import format_datetime
from typing import Any
from uuid import uuid4

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from accounts import mailheaders, secrets
from accounts.models import User, Workspace
from designs.encoding import CRLF, quoted
from environment import logs
from relays import lanes, trial, verp
from relays.exceptions import RelaysError
from relays.models import WORKING, Lane, Relay
from relays.services import health, testallowance, usage
from smtp import Server

log = logs.get(__name__)

# If one of these changes, it is another server, about which nothing was learned.
PLACE = {"host", "port"}
# A passed test holds for these values.
SERVER = {*PLACE, "security", "username"}
# Stands in the envelope sender of a test mail in the place of a message's token.
TEST_TAG = "test"
# If one of these limits changes, a wait for it may be over.
PACE = {
    *("per_second", "per_minute", "per_hour", "per_day", "warmup", "warmup_began"),
    *("connections", "messages_per_connection"),
}


class InUseError(RelaysError):
    """`count` unfinished mailings go through the relay."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} live mailings")
        self.count = count


def server_of(relay: Relay) -> Server:
    """The relay's server with its password. Raises SecretError."""
    return Server(
        host=relay.host,
        port=relay.port,
        security=relay.security,
        username=relay.username,
        password=secrets.decrypt(relay.password),
        trusted=relay.managed,
    )


def create(workspace: Workspace, *, password: str = "", **values: Any) -> Relay:
    return Relay.objects.create(
        workspace=workspace, password=secrets.encrypt(password) if password else None, **values
    )


@transaction.atomic
def change(relay: Relay, *, password: str | None = None, **values: Any) -> None:
    """Changes the given fields. If it is another server afterwards, forgets what was learned.
    `password`: None keeps the stored one, "" removes it."""
    if password is not None:
        values["password"] = secrets.encrypt(password) if password else None
    other = {name for name, value in values.items() if value != getattr(relay, name)}
    if other & SERVER or password is not None:
        values["tested_at"] = None
    for name, value in values.items():
        setattr(relay, name, value)
    relay.save(update_fields=list(values))
    if other & PLACE:
        health.reset(relay)
    if other & PACE:
        health.limits_changed(relay)


def loses_test(relay: Relay, *, password: str | None, given: str, **values: Any) -> bool:
    """Whether a tested relay would be untested after this `change`. `given`: the proof that the
    typed values passed a test, or "".

    The caller asks the person then, because scheduled and running campaigns would go through an
    untested server.
    """
    same = password is None and all(values[name] == getattr(relay, name) for name in SERVER)
    if relay.untested or same:
        return False
    try:
        kept = secrets.decrypt(relay.password) if password is None else password
    except secrets.SecretError:
        return True
    typed = Server(
        values["host"], values["port"], values["security"], values["username"], password=kept
    )
    return not constant_time_compare(given, proof(typed))


State = Relay.State


def pause(relay: Relay) -> bool:
    """Pauses the relay: workers finish the mails on the wire and take no new ones. False: it was
    not active or draining."""
    working = Q(state__in=WORKING)
    if not _move(relay, State.PAUSED, working, draining_since=None):
        return False
    for use in usage.uses:
        use.paused(relay)
    log.committed.info("relay paused", **health.named(relay))
    return True


def drain(relay: Relay) -> bool:
    """Drains the relay: open mailings go on through it, later ones don't, and when the open ones
    have ended it is paused. False: it was stopped or draining already."""
    calm = Q(state__in=[State.ACTIVE, State.PAUSED])
    moved = _move(relay, State.DRAINING, calm, draining_since=timezone.now())
    if moved:
        log.committed.info("relay drained", **health.named(relay))
    return moved


@transaction.atomic
def resume(relay: Relay) -> bool:
    """Makes the relay active, whether a person or the platform had stopped it. Ends its wait, and
    begins a new count of refusals."""
    moved = _move(
        relay,
        State.ACTIVE,
        ~Q(state=State.ACTIVE),
        wait_until=None,
        wait_reason="",
        failures=0,
        draining_since=None,
    )
    if moved:
        for use in usage.uses:
            use.resumed(relay)
        log.committed.info("relay started", **health.named(relay))
    return moved


def _move(relay: Relay, state: str, source: Q, **fields: Any) -> bool:
    moved = Relay.objects.filter(source, pk=relay.pk, archived_at=None).update(
        state=state, state_reason="", state_words="", state_since=timezone.now(), **fields
    )
    relay.refresh_from_db()
    return bool(moved)


@transaction.atomic
def forget_lane(lane: Lane) -> None:
    """Forgets a lane, so that it goes at full pace again. The lane of the relay's own server had
    made the whole relay wait; that wait ends."""
    if lane.name == lanes.WHOLE:
        health.try_now(lane.relay)
    log.committed.info("lane reset", **health.named(lane.relay), lane=lane.name)
    lane.delete()


@transaction.atomic
def archive(relay: Relay) -> None:
    """Archives the relay: it is no longer offered, and leaves its pools. Raises InUseError."""
    Relay.objects.select_for_update().get(pk=relay.pk)
    if count := usage.unfinished(relay):
        raise InUseError(count)
    relay.pools.all().delete()
    relay.state, relay.state_reason, relay.state_words = Relay.State.PAUSED, "", ""
    relay.state_since = relay.archived_at = timezone.now()
    relay.save(update_fields=["state", "state_reason", "state_words", "state_since", "archived_at"])
    log.committed.info("relay archived", **health.named(relay))


def bring_back(relay: Relay) -> None:
    """Brings the relay back from the archive; it stays paused until a person resumes it."""
    relay.archived_at = None
    relay.save(update_fields=["archived_at"])
    log.committed.info("relay brought back", **health.named(relay))


def test(relay: Relay, **what: Any) -> tuple[Server, trial.Dialogue]:
    """Tests the stored relay (arguments as for `try_out`), and notes if it works. Raises
    SecretError."""
    server = server_of(relay)
    dialogue = try_out(relay, server, **what)
    if dialogue.ok:
        health.mark_tested(relay)
    return server, dialogue


def proof(server: Server) -> str:
    """Proof that this server passed a test, for a form whose relay is not stored yet."""
    known = (server.host, server.port, server.security, server.username, server.password)
    return salted_hmac("sending.relays.proof", repr(known)).hexdigest()


def use_proof(relay: Relay, given: str) -> None:
    """Notes that the stored relay works, if `given` proves that it was tested before saving."""
    if given and constant_time_compare(given, proof(server_of(relay))):
        health.mark_tested(relay)


def try_out(  # noqa: PLR0913  # what is sent, by what, and by whom
    relay: Relay,
    server: Server,
    *,
    from_email: str,
    by: User,
    recipient: str = "",
    mail: bool = False,
) -> trial.Dialogue:
    """Talks to `server` as a worker would for the relay, which need not be saved. A `recipient` is
    named to the server, and with `mail` gets a real mail. With a recipient, it counts as a test
    mail even if none is sent: raises TestRefusedError."""
    if recipient:
        testallowance.take(relay, by, sender=from_email, count=1, field="recipient")
    content = _test_mail(from_email, recipient) if mail and recipient else b""
    sender = from_email
    if relay.envelope == Relay.Envelope.FIXED and relay.bounce_address:
        sender = relay.bounce_address
    if relay.envelope == Relay.Envelope.VERP and relay.bounce_address:
        sender = verp.address(relay.bounce_address, TEST_TAG)
    return trial.talk(trial.RelayTrial(server, sender, recipient, content))


def _test_mail(sender: str, recipient: str) -> bytes:
    domain = mailheaders.addr_spec(sender).rpartition("@")[2]
    headers = (
        mailheaders.mailboxes("From", [("", sender)]),
        mailheaders.mailboxes("To", [("", recipient)]),
        mailheaders.text("Subject", _("Test of a relay")),
        mailheaders.plain("Date", format_datetime(timezone.now())),
        mailheaders.plain("Message-ID", f"<{uuid4().hex}@{domain}>"),
        mailheaders.plain("Auto-Submitted", "auto-generated"),
        mailheaders.plain("MIME-Version", "1.0"),
        mailheaders.plain("Content-Type", "text/plain; charset=utf-8"),
        mailheaders.plain("Content-Transfer-Encoding", "quoted-printable"),
    )
    words = _("This mail shows that the relay works. Nobody needs to answer it.")
    return b"".join([*headers, CRLF, quoted(words), CRLF])
