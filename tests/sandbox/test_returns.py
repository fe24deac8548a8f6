"""What the sandbox returns is read as what it is: its addresses against this reader."""

import time
from collections.abc import Callable

from bounces.models import BounceMail, BounceMailbox
from bounces.services import collecting
from contacts.models import Suppression
from relays.models import Relay
from sending.engine import shift
from sending.models import Event, Mailing
from tests.sandbox.test_sandbox import Running, relay, running
from tests.sending.engine.conftest import assert_closes, design, open_to

__all__ = ["design", "open_to", "relay", "running"]

KINDS = {
    "bounce": "hard_bounced",
    "softbounce": "soft_bounced",
    "blocked": "blocked",
    "delayed": "delayed",
    "complain": "complained",
    "autoreply": "auto_replied",
}


def test_every_kind(running: Running, relay: Relay, open_to: Callable[..., Mailing]) -> None:
    relay.port = running.smtp_port
    relay.save()
    mailbox = BounceMailbox.objects.get(managed_by="sandbox")
    BounceMailbox.objects.update(port=running.imap_port)
    mailing = open_to([f"{word}@x.example" for word in [*KINDS, "anna"]], relay=relay)
    shift.run(relay)
    assert assert_closes(mailing).accepted == 7
    stored, end = 0, time.monotonic() + 30
    while stored < len(KINDS):
        assert time.monotonic() < end, stored
        done = collecting.collect(mailbox.pk)
        assert not done.error
        stored += done.stored
    events = Event.objects.values_list("message__address", "kind")
    assert dict(events) == {f"{word}@x.example": kind for word, kind in KINDS.items()}
    assert set(Suppression.objects.values_list("value", "reason")) == {
        ("bounce@x.example", "hard_bounced"),
        ("complain@x.example", "complained"),
    }
    assert not BounceMail.objects.filter(cleared_at=None).exists()
    tally = assert_closes(mailing)
    assert (tally.hard_bounced, tally.soft_bounced, tally.complained) == (1, 1, 1)
