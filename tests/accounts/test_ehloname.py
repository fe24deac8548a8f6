"""What this installation calls itself, also towards the platform's own mail server."""

from collections.abc import Callable

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from smtp import ehloname
from tests.smtp.scripted import serving


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("192.0.2.1", "[192.0.2.1]"),
        ("2001:db8::1", "[IPv6:2001:db8::1]"),
        ("fe80::1%eth0", "[IPv6:fe80::1]"),
        ("::ffff:192.0.2.1", "[192.0.2.1]"),
    ],
)
def test_literals(address: str, said: str) -> None:
    assert ehloname.literal(address) == said


@pytest.mark.parametrize(
    ("name", "said"), [("", b"[127.0.0.1]"), ("mail.brand.example", b"mail.brand.example")]
)
def test_notices_say_it(
    settings: Settings, smtp_config: Callable[..., None], name: str, said: bytes
) -> None:
    smtp_config(ehlo_name=name)
    settings.EMAIL_BACKEND = "accounts.mailbackend.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = ""
    with serving(strict_name=True) as server:
        settings.EMAIL_PORT = server.port
        EmailMessage("Hello", "You", "a@brand.example", ["ann@brand.example"]).send()
        assert server.accepted == {"ann@brand.example": 1}
        assert server.everything.startswith(b"ehlo " + said + b"\r\n")
