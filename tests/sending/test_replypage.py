"""The page that explains a reply, and the operator's own rules."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from relays.apps import use_reply_rules
from smtp import replies
from smtp.replies import rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def url(workspace: Workspace) -> str:
    return reverse("replies", args=[workspace.slug])


def explain(client: Client, url: str, reply: str, stage: str = "") -> str:
    return client.post(url, {"reply": reply, "stage": stage}).content.decode()


def test_a_reply_is_explained(owner_client: Client, url: str) -> None:
    page = explain(
        owner_client,
        url,
        "550-5.1.1 The email account that you tried to reach\n550-5.1.1 does not exist.\n"
        "550 5.1.1 https://support.google.com/mail/?p=NoSuchUser - gsmtp",
    )
    assert "The address does not exist" in page
    assert "the address is suppressed" in page
    assert "gmail.no-such-user" in page
    assert "Gmail" in page
    assert "support.google.com/a/answer/3726730" in page
    # What else would match, in its order.
    assert page.index("gmail.no-such-user") < page.index("address.code")


@pytest.mark.parametrize(
    ("reply", "stage", "says"),
    [
        ("550 No such user", "rcpt", "the address is suppressed"),
        ("550 Sorry", "rcpt", "the words are not known, so the address is not suppressed"),
        ("550 5.7.1 Sorry", "content", "is not tried again. The address is not suppressed"),
        (
            "host x said: 550 No such user (in reply to RCPT TO command)",
            "",
            "hard bounce",
        ),
        ("451 4.3.0 Later", "", "again after 5 minutes, 15 minutes, 30 minutes, 1 hour"),
        ("450 4.7.1 Greylisted, try again in 300 seconds", "", "asks to wait 5 minutes"),
        ("554 5.7.1 Spam", "content", "more than 20 of the latest mails and more than 30%"),
        ("421 4.7.0 Too many connections", "", "The relay slows down"),
        ("535 5.7.8 No", "", "The relay is stopped until somebody starts it again"),
        ("250 2.0.0 Ok", "", "The mail counts as accepted"),
        ("550 <script>alert(1)</script>", "rcpt", "the address is not suppressed"),
    ],
)
def test_what_is_done(owner_client: Client, url: str, reply: str, stage: str, says: str) -> None:
    page = explain(owner_client, url, reply, stage)
    assert says in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("reply", ["", "Sorry", "354 Go on", "\x00"])
def test_what_is_no_reply(owner_client: Client, url: str, reply: str) -> None:
    page = explain(owner_client, url, reply)
    assert 'class="errorlist"' in page
    assert "alert-" not in page.split('id="meaning-title"')[1]


def test_it_says_whose_words_they_are(owner_client: Client, url: str) -> None:
    reply = {"reply": "421 HL:REP 163 smtp9 netease"}
    assert "NetEase (163, 126, yeah)" in owner_client.post(url, reply).content.decode()
    chinese = owner_client.post(url, reply, headers={"accept-language": "zh-hans"})
    assert "网易（163、126、yeah）" in chinese.content.decode()


def test_a_link_shows_its_reply(owner_client: Client, url: str) -> None:
    page = owner_client.get(url, {"reply": "452 4.2.2 Full"}).content.decode()
    assert "The mailbox is full" in page
    assert "452 4.2.2 Full" in page
    assert 'class="alert' not in owner_client.get(url).content.decode().split("<main")[1]


def test_in_chinese(owner_client: Client, url: str) -> None:
    owner_client.cookies["language"] = "zh-hans"
    page = owner_client.post(
        url, {"reply": "451 Later"}, headers={"accept-language": "zh-hans"}
    ).content.decode()
    assert "之后每 4 小时" in page


def test_the_relay_page_leads_there(owner_client: Client, workspace: Workspace, url: str) -> None:
    assert url in owner_client.get(reverse("relays", args=[workspace.slug])).content.decode()


# The operator's own -------------------------------------------------------------------------------


@pytest.fixture
def clean() -> Iterator[None]:
    yield
    replies.use(own=rules.Rules())


@pytest.mark.usefixtures("clean")
def test_own_rules_are_shown_as_such(owner_client: Client, url: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[[rule]]\nname = 'ours.x'\ncode = '550'\nmeaning = 'full'\n")
    use_reply_rules(str(file))
    page = explain(owner_client, url, "550 5.1.1 No such user")
    assert "ours.x" in page
    assert "of this installation" in page
    assert "The mailbox is full" in page


@pytest.mark.usefixtures("clean")
def test_a_wrong_file_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[[rule]]\nname = 'ours.x'\nmeaning = 'odd'\n")
    with pytest.raises(SystemExit) as caught:
        use_reply_rules(str(file))
    said = str(caught.value)
    assert said.startswith("Yanshu can't start: YANSHU_REPLY_RULES: ")
    assert "own.toml: rule 'ours.x': the meaning is one of" in said
    use_reply_rules("")
