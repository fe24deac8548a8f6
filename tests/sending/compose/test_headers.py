"""Headers: what any parser reads back is what was put in, whatever names and addresses hold."""

import email
import email.policy
import re
from dataclasses import replace
from email.header import decode_header, make_header
from email.utils import getaddresses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import mailheaders
from designs.rendering import Renderer
from pages.oneline import one_line
from sending.compose import headers
from sending.compose.mime import Sender, build
from sending.compose.publicurls import MessageUrls
from tests.sending.compose.test_mime import SENDER, mail

CASES = Path(__file__).parents[2] / "cases" / "mail"
LONG = "Example Company of Somewhere, Incorporated, and its many Subsidiaries, in the World Ltd."
NAMES = [
    LONG,
    'The "Best" \\ Shop (Köln) <x@y.example>, Inc.',
    "Müller & Söhne (Köln) <GmbH>",
    "品牌" * 30,
    "中国 Brand 品牌, and a long list of English words that go on, 上海 and on (more) for ever",
    "می‌خواهم خرید کنم",
    "מותג ישראלי",
    "👨‍👩‍👧‍👦 Family 👩🏽‍💻 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "=?utf-8?b?bm90IGVuY29kZWQ=?=",
    "a =? b ?=",
    "0 \u00a00",
    "x" * 150,
    ("x," * 75)[:150],
    "Sales; Marketing: all",
    "Group: a@b.example;",
    "O'Brien",
    "Ltd.",
    "全角　空格 and a no-break\u00a0space",
]
LETTERS = st.sampled_from(list("aZ0 ,;:.<>()[]\\\"'@=?_éß李雷🙂👩\u200d\u200cیא%"))
ANY = st.text(
    st.one_of(LETTERS, st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    max_size=170,
)


def parsed(lines: bytes) -> email.message.Message:
    """As a mail is read; what lines must be is looked at, too."""
    assert lines.endswith(b"\r\n")
    assert b"\n" not in lines.replace(b"\r\n", b"")
    for line in lines.split(b"\r\n")[:-1]:
        assert line.isascii()
        # Longer only where there is no place to fold.
        assert len(line) <= 78 or b" " not in line.partition(b": ")[2].strip()
    assert all(len(word) <= 75 for word in re.findall(rb"=\?utf-8\?b\?\S*", lines))
    return email.message_from_bytes(lines + b"\r\n", policy=email.policy.default)


def read(lines: bytes, field: str) -> list[tuple[str, str]]:
    """As programs without the email package's new parser read it."""
    parsed(lines)
    raw = email.message_from_bytes(lines + b"\r\n")[field]
    return [(str(make_header(decode_header(name))), one) for name, one in getaddresses([raw])]


def check(name: str, address: str = "news@brand.example") -> None:
    lines = mailheaders.mailboxes("From", [(name, address)])
    clean = mailheaders.clean_name(name)
    assert read(lines, "From") == [(clean, address)]
    header: Any = parsed(lines)["From"]
    [one] = header.addresses
    assert one.addr_spec == address
    # Python's parser puts a blank between two encoded words of a phrase, and makes one blank of
    # several if one of them is not ASCII; other names it reads.
    several = lines.count(b"=?utf-8?b?") > 1
    if not several:
        assert one.display_name.split() == clean.split()
        [(name_again, address_again)] = getaddresses([str(parsed(lines)["From"])])
        assert (name_again.split(), address_again) == (clean.split(), address)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_comes_back(name: str) -> None:
    check(name)
    assert (
        headers.to(name, "lee@x.example")[4:]
        == (mailheaders.mailboxes("To", [(name, "lee@x.example")])[4:])
    )


@pytest.mark.parametrize("address", ["a@b.example", "x" * 50 + "@b.example", "a b@c.example"])
@pytest.mark.parametrize(
    "name",
    ["Ann", "王伟", "王 伟", "王\u3000伟", "Zoë Müller 12", "O'Brien, A", "王" * 14, "王" * 15,
     "é" * 21, "=?x", "王 =?", "王\u200d", " 王", "王  伟", "é\u00a0b", "", "a" * 61, "王\n伟"],
)  # fmt: skip
def test_the_fast_way_writes_the_same_line(name: str, address: str) -> None:
    assert headers.to(name, address) == mailheaders.mailboxes("To", [(name, address)])


@given(ANY)
def test_any_name_comes_back(name: str) -> None:
    check(name)


@given(st.lists(st.tuples(ANY, st.sampled_from(["a@b.example", "x.y+z@long.sub.example"]))))
def test_lists_of_people_come_back(people: list[tuple[str, str]]) -> None:
    if people:
        lines = mailheaders.mailboxes("Reply-To", people)
        clean = [(mailheaders.clean_name(name), address) for name, address in people]
        assert read(lines, "Reply-To") == clean


@pytest.mark.parametrize(
    ("address", "spec"),
    [
        ("news@brand.example", "news@brand.example"),
        ("a b@brand.example", '"a b"@brand.example'),
        ('a"b@brand.example', '"a\\"b"@brand.example'),
        (".dot@brand.example", '".dot"@brand.example'),
        ("a@b@brand.example", '"a@b"@brand.example'),
        ("x@brand.example\r\nBcc: eve@x.example", '"x@brand.example Bcc: eve"@x.example'),
        ("postmaster@[192.0.2.1]", "postmaster@[192.0.2.1]"),
        ("李@x.example", "李@x.example"),
    ],
)
def test_an_address_is_one_address(address: str, spec: str) -> None:
    lines = mailheaders.mailboxes("From", [("", address)])
    assert lines == f"From: {spec}\r\n".encode()


@given(ANY)
def test_any_subject_comes_back(subject: str) -> None:
    assert str(parsed(headers.subject(subject))["Subject"]).strip(" ") == one_line(subject)
    assert headers.subject(subject) == mailheaders.text("Subject", subject)


@given(ANY, ANY)
def test_a_list_has_one_id(name: str, identifier: str) -> None:
    lines = mailheaders.list_id(name, f"{identifier}.brand.example")
    whole = str(parsed(lines)["List-ID"])
    [found] = re.findall(r"<([^<>]*)>", whole)
    assert re.fullmatch(r"[\w-]+(?:\.[\w-]+)*", found.replace("..", "."), re.ASCII)
    assert len(re.findall(rb"[<>]", lines)) == 2
    assert whole.endswith(f"<{found}>")


def test_the_words_of_a_list_id() -> None:
    name = "Müller & Söhne (Köln) <GmbH>"
    whole = str(parsed(mailheaders.list_id(name, "campaign-7.brand.example"))["List-ID"])
    assert whole == "Müller & Söhne (Köln) (GmbH) <campaign-7.brand.example>"


@pytest.mark.parametrize("line", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_nothing_stored_makes_a_header_or_fails(line: str) -> None:
    evil = f"Brand{line}Bcc: eve@x.example"
    sender = Sender(
        name=evil,
        email="news@brand.example",
        reply_to=f"care@brand.example{line}",
        list_id=f"campaign{line}7.brand.example",
        list_name=evil,
        mailing_id=7,
    )
    content = build(
        sender,
        mail(to_name=evil, subject=evil, unsubscribe_url=f"https://brand.example/{line}ü<>"),
    )
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Bcc"] is None
    assert message["Subject"] == "Brand Bcc: eve@x.example"
    assert message["From"].addresses[0].display_name == "Brand Bcc: eve@x.example"
    assert message["Reply-To"].addresses[0].addr_spec == "care@brand.example"
    assert re.fullmatch(r"<https://brand\.example/[\x21-\x7e]+>", message["List-Unsubscribe"])


def test_a_sender_s_long_name_in_a_whole_mail() -> None:
    sender = replace(SENDER, name=LONG)
    message = email.message_from_bytes(build(sender, mail()), policy=email.policy.default)
    assert getaddresses([str(message["From"])]) == [(LONG, "news@brand.example")]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("Family 👨‍👩‍👧‍👦 day 🏴󠁧󠁢󠁥󠁮󠁧󠁿 👩🏽‍💻 می‌خواهم", None),
        ("Soldes\u202f! 全角　空格 ❤️ a\u200bb \u200fא", None),
        ("a\x00b\x1fc\x7fd\u0085e\u2028f\u2029g\x0bh\x0ci", "a b c d e f g h i"),
        ("\u202eevil\u202c \u2066x\u2069\ufeff", "evil x"),
        ("  two   blanks ", "two blanks"),
        ("half \ud83d", "half"),
    ],
)
def test_what_a_line_keeps(typed: str, kept: str | None) -> None:
    assert one_line(typed) == (typed if kept is None else kept)


def test_an_address_of_a_long_site_is_folded() -> None:
    url = "https://a-rather-long-name-of-a-host.marketing.brand.example/e/u/0123456789"
    lines = mailheaders.links("List-Unsubscribe", [url, "mailto:leave@brand.example"])
    assert lines == f"List-Unsubscribe: <{url}>,\r\n <mailto:leave@brand.example>\r\n".encode()
    assert parsed(lines)["List-Unsubscribe"] == f"<{url}>, <mailto:leave@brand.example>"


def test_case_joiners_stay_everywhere() -> None:
    words = (CASES / "09-joiners-subject.txt").read_text().strip()
    sender = replace(SENDER, name=words)
    renderer = Renderer(subject=words, preheader=words, html="{{ preheader }}", text="x")
    rendered = renderer.render({}, MessageUrls(1))
    assert rendered.preheader == rendered.html == words
    content = build(sender, mail(subject=rendered.subject, to_name=words))
    raw = email.message_from_bytes(content)
    for field in ("From", "To"):
        [(name, _address)] = getaddresses([raw[field]])
        assert str(make_header(decode_header(name))) == words
    assert str(make_header(decode_header(raw["Subject"]))) == words


def test_case_a_sender_s_name_with_a_comma() -> None:
    lines = (CASES / "13-from-name.txt").read_text().splitlines()
    name, address, workspace = (line.partition(": ")[2] for line in lines)
    sender = replace(SENDER, name=name, email=address, list_name=workspace)
    content = build(sender, mail())
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert getaddresses([str(message["From"])]) == [(name, address)]
    assert getaddresses([email.message_from_bytes(content)["From"]]) == [(name, address)]
    assert re.findall("<[^>]*>", str(message["List-ID"])) == ["<campaign-7.brand.example>"]
