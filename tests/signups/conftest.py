"""A form of a workspace, people who send it, and their mails."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import List
from relays.models import Relay
from sending.models import StreamItem
from signups import puzzles
from signups.models import SignupForm
from signups.services import forms, rules
from tests import factories

ADDRESS = "lan@example.com"
LATER = timedelta(seconds=5)


@pytest.fixture
def news(workspace: Workspace) -> List:
    return factories.make_list(workspace, name="News")


@pytest.fixture
def make_form(workspace: Workspace, relay: Relay, news: List) -> Callable[..., SignupForm]:
    def make(*lists: List, **values: Any) -> SignupForm:
        known: dict[str, Any] = {
            "name": f"Form {SignupForm.objects.count()}",
            "relay": relay,
            "by": None,
        }
        return forms.create(workspace, lists=lists or [news], **known | values)

    return make


@pytest.fixture
def form(make_form: Callable[..., SignupForm]) -> SignupForm:
    return make_form()


@pytest.fixture
def single(news: List) -> None:
    rules.change(news, double_opt_in=False)


def solution(stamp: str) -> str:
    return next(str(n) for n in range(2_000_000) if puzzles.solved(stamp, str(n)))


@pytest.fixture(autouse=True)
def _easy_puzzles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of four zero bits: the tests of the puzzle itself set the real number."""
    monkeypatch.setattr(puzzles, "BITS", 4)


def stamped(form: SignupForm, *, solved: bool = True) -> dict[str, str]:
    """The hidden fields of a page that was opened some seconds ago."""
    with patch.object(timezone, "now", return_value=timezone.now() - LATER):
        stamp = puzzles.make(form.key)
    return {"stamp": stamp, "number": solution(stamp) if solved else ""}


@pytest.fixture
def send(client: Client, form: SignupForm) -> Callable[..., HttpResponse]:
    """Sends the form as the page does with scripts; `stamp=""`: as plain HTML elsewhere."""

    def send(email: str = ADDRESS, *, of: SignupForm | None = None, **values: str) -> Any:
        one = of or form
        data = {"email": email, "consent": "on", **stamped(one), **values}
        return client.post(f"/f/{one.key}", data)

    return send


def mails() -> list[StreamItem]:
    """Those that were ordered, the oldest first."""
    return list(StreamItem.objects.order_by("created_at", "key"))


def link() -> str:
    """The path of the latest confirmation mail's link."""
    url = [one.data["confirm_url"] for one in mails() if "confirm_url" in one.data][-1]
    found = re.fullmatch(r"https?://[^/]+(/f/confirm/[0-9a-f]+)", url)
    assert found
    return found[1]
