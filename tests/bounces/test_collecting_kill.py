"""A collection that is killed with -9, again and again: nothing lost, nothing counted twice."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from bounces.models import BounceMail, BounceMailbox
from contacts.models import Suppression
from relays import verp
from sending.compose.tokens import make as token
from sending.models import Event, Message
from tests.bounces import returns
from tests.mailservers.imap import Imap
from tests.otherconnections import address
from tests.sending.engine.conftest import assert_closes

COUNT = 70


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """The command on this test's database."""
    return subprocess.Popen(
        [sys.executable, "manage.py", "collect_bounces", "--once", *arguments],
        cwd=settings.ROOT,
        env={**os.environ, "DATABASE_URL": address()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_again_and_again(
    imap: Imap, mailbox: BounceMailbox, sent: Callable[..., list[Message]]
) -> None:
    messages = sent(*(f"gone{number}@receiver.example" for number in range(COUNT)))
    to = [verp.address("bounces@brand.example", token(message.pk)) for message in messages]
    pairs = zip(messages, to, strict=True)
    imap.append(*(returns.dsn(m.address, to=address) for m, address in pairs), returns.LETTER)
    for stored in (1, 51):
        process = start("--mailbox", str(mailbox.pk))
        end = time.monotonic() + 60
        while BounceMail.objects.count() < stored and process.poll() is None:
            assert time.monotonic() < end
            time.sleep(0.01)
        process.kill()
        _, said = process.communicate()
        assert process.returncode in {-9, 0}, said.decode()
        # What a dead process had claimed is free when its lease is over.
        BounceMailbox.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    last = start("--json")
    said, wrong = last.communicate(timeout=90)
    assert last.returncode == 0, wrong.decode()
    assert b'"error": ""' in said

    assert Event.objects.filter(kind="hard_bounced").count() == COUNT
    assert assert_closes(messages[0].mailing).hard_bounced == COUNT
    assert Suppression.objects.count() == COUNT
    assert BounceMail.objects.filter(state="processed").count() == COUNT
    assert [raw for raw, _ in imap.contents().values()] == [returns.LETTER]
    assert len(imap.contents("Yanshu")) == COUNT
