"""The bytes of a mail: what any parser reads back, whatever a contact's values hold."""

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sending.compose.mime import Mail, Sender, build

SENDER = Sender(
    name="Brand 品牌",
    email="news@brand.example",
    reply_to="care@brand.example",
    list_id="campaign-7.brand.example",
    list_name="Brand, the shop",
    mailing_id=7,
)


def mail(**changes: str) -> Mail:
    values = {
        "to_name": "李雷 Lee",
        "to_email": "lee@x.example",
        "subject": "春季新品 for you",
        "html": "<p>Hello 李雷</p>",
        "text": "Hello 李雷",
        "token": "abcdefghijklmnopqrst",
        "unsubscribe_url": "https://brand.example/e/u/abcdefghijklmnopqrst",
    } | changes
    return Mail(**values, date=datetime(2026, 11, 25, 9, 0, tzinfo=UTC))


def read(content: bytes) -> EmailMessage:
    # Lines end with CRLF only, and none is too long (RFC 5322, 2.1.1).
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    return email.message_from_bytes(content, policy=email.policy.default)


def test_what_bulk_mail_must_carry() -> None:
    parsed = read(build(SENDER, mail()))
    assert parsed["From"] == "Brand 品牌 <news@brand.example>"
    assert parsed["To"] == "李雷 Lee <lee@x.example>"
    assert parsed["Reply-To"] == "care@brand.example"
    assert parsed["Subject"] == "春季新品 for you"
    assert parsed["Date"] == "Wed, 25 Nov 2026 09:00:00 +0000"
    assert parsed["Message-ID"] == "<abcdefghijklmnopqrst@brand.example>"
    assert parsed["List-Unsubscribe"] == "<https://brand.example/e/u/abcdefghijklmnopqrst>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "<campaign-7.brand.example>" in parsed["List-ID"]
    plain, html = parsed.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert html.get_content().strip() == "<p>Hello 李雷</p>"


def test_without_html_it_is_plain_text() -> None:
    parsed = read(build(SENDER, mail(html="")))
    assert parsed.get_content_type() == "text/plain"
    assert parsed.get_content().strip() == "Hello 李雷"


@pytest.mark.parametrize("name", ['A "B" <c@d.example>', "a\r\nBcc: x@y.example", "", "名" * 400])
def test_a_name_makes_no_other_header(name: str) -> None:
    parsed = read(build(SENDER, mail(to_name=name)))
    assert parsed["Bcc"] is None
    assert [one.addr_spec for one in parsed["To"].addresses] == ["lee@x.example"]


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=300)


@given(TEXT, TEXT)
def test_any_text_comes_back(body: str, name: str) -> None:
    parsed = read(build(SENDER, mail(text=body, html="", to_name=name)))
    assert unix(parsed.get_content()) == unix(body)


def test_a_line_with_a_dot_stays_one() -> None:
    parsed = read(build(SENDER, mail(text="a\n.\n..b\nFrom here", html="")))
    assert unix(parsed.get_content()) == "a\n.\n..b\nFrom here"
