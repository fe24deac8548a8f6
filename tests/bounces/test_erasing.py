"""Mails of bounce mailboxes about a person who was erased."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Workspace
from bounces.models import BounceMail, BounceMailbox
from contacts.services import erasing
from sending.models import Message

pytestmark = pytest.mark.django_db
ANN = "ann@b.example"


def test_sources_and_texts_go_and_rows_stay(
    workspace: Workspace, mailbox: BounceMailbox, sent: Callable[..., list[Message]]
) -> None:
    (message,) = sent(ANN)
    given: tuple[dict[str, Any], ...] = (
        {"message": message, "recipient": ANN, "detail": "550 5.1.1 <ann@b.example> unknown"},
        {"recipient": ANN, "state": "unproven"},
        {"sender": ANN, "kind": "auto_replied"},
        {"recipient": "ben@b.example", "subject": "stays"},
    )
    for number, one in enumerate(given):
        BounceMail.objects.create(
            mailbox=mailbox, uid_validity=1, uid=number, raw=b"To: " + ANN.encode(), **one
        )
    assert "the sources of 3 bounces" in erasing.find(workspace, ANN).traces
    erasing.erase(workspace, ANN, by=None)
    rows = list(BounceMail.objects.order_by("uid"))
    assert [row.raw is None for row in rows] == [True, True, True, False]
    assert all(row.digest for row in rows[:3])
    assert rows[0].detail == "550 5.1.1"
    assert {row.recipient + row.sender for row in rows[:3]} == {""}
    assert rows[3].subject == "stays"
