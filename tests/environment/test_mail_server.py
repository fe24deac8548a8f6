"""EMAIL_URL: where the platform's own mails go."""

import pytest

from environment import readers
from environment.readers import MailServer


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("", MailServer()),
        ("smtp://mail.example", MailServer("mail.example", 25)),
        ("smtps://mail.example", MailServer("mail.example", 465, ssl=True)),
        (
            "smtp+tls://me%40x.example:p%3Aw%2Fd@mail.example:2525",
            MailServer("mail.example", 2525, "me@x.example", "p:w/d", tls=True),
        ),
    ],
)
def test_mail_server(url: str, server: MailServer) -> None:
    assert readers.mail_server("EMAIL_URL", {"EMAIL_URL": url}) == server


@pytest.mark.parametrize("url", ["mail.example", "http://mail.example", "smtp://", "smtp://a:b"])
def test_a_wrong_one_is_named(url: str) -> None:
    with pytest.raises(readers.SettingError, match="EMAIL_URL"):
        readers.mail_server("EMAIL_URL", {"EMAIL_URL": url})
