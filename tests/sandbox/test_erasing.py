"""Mails in the sandbox to a person who was erased."""

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.services import erasing
from sandbox.models import SandboxMail

pytestmark = pytest.mark.django_db


def test_they_go(workspace: Workspace) -> None:
    for address in ("ann@b.example", "ben@b.example"):
        SandboxMail.objects.create(
            workspace=workspace,
            envelope_to=address,
            raw=b"mail",
            outcome="delivered",
            received_at=timezone.now(),
        )
    assert erasing.find(workspace, "ann@b.example").traces == ["1 mail in the sandbox"]
    erasing.erase(workspace, "ann@b.example", by=None)
    assert SandboxMail.objects.get().envelope_to == "ben@b.example"
