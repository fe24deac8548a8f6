"""Mails of the platform through a real SMTP server, and forms sent as people send them."""

import re
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from accounts import afterwards
from tests.mailservers.sink import Sink, running

LINK = re.compile(r"^http://127\.0\.0\.1:8000(/\S+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _no_throttle_left(db: None) -> None:
    cache.clear()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a request leaves behind is done before the test goes on."""
    monkeypatch.setattr(afterwards, "run", lambda work: work())


@pytest.fixture
def mails(settings: Settings) -> Iterator[Sink]:
    """The platform's mail server: what it gets is in `.mails`."""
    with running() as sink:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.EMAIL_TIMEOUT = 5
        yield sink


@pytest.fixture
def mail_server_away(settings: Settings, free_port: int) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port
    settings.EMAIL_TIMEOUT = 2


@pytest.fixture
def free_port() -> int:
    """A port on which nothing listens any more."""
    with running() as sink:
        return sink.port


Read = Callable[[int], tuple[str, str, str]]


@pytest.fixture
def read(mails: Sink) -> Read:
    """(recipient, subject, text) of the n-th mail as its reader sees it."""

    def read(number: int) -> tuple[str, str, str]:
        _sender, recipient, content = mails.mails[number]
        message = message_from_bytes(content.removesuffix(b".\r\n"), policy=policy.default)
        text = str(message.get_content()).replace("\r\n", "\n")
        return recipient, str(message["Subject"]), text

    return read


def link_in(text: str) -> str:
    """The path of the link that stands alone on a line of the mail."""
    found = LINK.search(text)
    assert found, text
    return found[1]


def words(answer: Any) -> str:
    """What the page of this answer says."""
    return str(answer.content.decode())


@pytest.fixture
def nobody() -> Client:
    return Client()
