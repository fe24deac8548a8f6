"""The sign-ups of a person in the file about the person: the consent with its text."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Contact
from contacts.services import personfiles
from signups.models import Signup
from tests.signups.conftest import ADDRESS, link

pytestmark = pytest.mark.django_db


def sign_ups(workspace: Workspace) -> list[dict[str, Any]]:
    file = personfiles.of(workspace, ADDRESS)
    found: list[dict[str, Any]] = json.loads(b"".join(personfiles.as_json(file)))["sections"][
        "sign_ups"
    ]
    return found


def test_the_text_and_the_time(
    client: Client, workspace: Workspace, send: Callable[..., Any]
) -> None:
    send()
    signup = Signup.objects.get()
    # Known before it is confirmed, without a contact.
    (waiting,) = sign_ups(workspace)
    assert (waiting["state"], waiting["confirmed_at"]) == ("unconfirmed", None)
    client.post(link())
    (one,) = sign_ups(workspace)
    assert (one["state"], one["text"]) == ("confirmed", signup.consent_text)
    assert one["confirmed_at"]
    # Of a contact with another address now, it isn't told by this one.
    Contact.objects.filter(email=ADDRESS).update(email="new@b.example")
    assert sign_ups(workspace) == []
