"""Odd mails, composed, sent to a real server and read back: they arrive as they were written."""

import email
import email.policy
import re
import smtplib
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest

from designs.services import compile_parts
from smtp import MailObject
from tests.mailservers.sink import running
from tests.sending.compose.test_compose import claimed, composer

FIELDS = {"email": "lee@x.example", "first_name": "Lee", "site": "http://a.example"}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if tag == "a" and name == "href"]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def arrived(
    *, html: str = "", text: str = "", subject: str = "Hi", **fields: Any
) -> dict[str, Any]:
    """What a reader's program finds: subject, text, html, words and links of it; `targets`: where
    the counted links lead."""
    parts = compile_parts(subject=subject, preheader="", html=html, text=text, track_clicks=True)
    targets = parts.pop("links")
    made = composer(**parts).compose(claimed(), FIELDS | fields)
    assert isinstance(made, MailObject), made
    with running() as sink:
        with smtplib.SMTP("127.0.0.1", sink.port) as client:
            client.sendmail("b@brand.example", ["lee@x.example"], made.content)
        ((_sender, _recipient, content),) = sink.mails
    assert max(map(len, content.split(b"\r\n"))) <= 998
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    assert not [part.defects for part in mail.walk() if part.defects]
    found: dict[str, Any] = {"subject": str(mail["Subject"]), "targets": targets, "to": mail["To"]}
    for kind, name in (("plain", "text"), ("html", "html")):
        body = mail.get_body((kind,))
        found[name] = body.get_content().replace("\r\n", "\n") if body else ""
    reader = Reader()
    reader.feed(found["html"])
    return found | {"links": reader.links, "words": "".join(reader.words)}


@pytest.mark.parametrize(
    ("html", "targets", "text"),
    [
        (
            '<a href="https://a.example/?a=1&notit=1&amp;amp;b=2&AMP;c=3&COPY=1&#38d=4">x</a>',
            ["https://a.example/?a=1&notit=1&amp;b=2&c=3&COPY=1&d=4"],
            "x (#)",
        ),
        ('<A HREF="  HTTPS://a.example/x\n/y ">x</A>', ["HTTPS://a.example/x/y"], "x (#)"),
        ("<a href=https://a.example/?a=1&b=2>x</a>", ["https://a.example/?a=1&b=2"], "x (#)"),
        ('<a href="https://u:p@[2001:db8::1]:80/x">x</a>', ["https://u:p@[2001:db8::1]:80/x"],
         "x (#)"),
        ('<p>见<a href="https://a.example/">https://a.example/</a>，好。</p>', ["https://a.example/"],
         "见#，好。"),
        ("<div hidden>a<img><br></div><p style='DISPLAY : NONE'>b</p>c", [], "c"),
        (
            "<!--[if mso]><a href='https://a.example/m'>m</a><![endif]--><p>w</p>",
            [],
            "w",
        ),
        ("<ol start=3><li>a<ul><li>b</ul><li value=9>c</ol>", [], "3. a\n  - b\n9. c"),
        ("<table><tr><td><pre>a\n  b\n\n.</pre></td></tr></table>", [], "a\n  b\n\n."),
        ("<style>.a{#x}b{}</style><p>a</p><script>if(x){#y}</script>", [], "a"),
        ("<p>a&#0;b&#xD800;c&#128;d 👨\u200d👩\u200d👧 می\u200cخواهم</p>", [],
         "a\ufffdb\ufffdc€d 👨\u200d👩\u200d👧 می\u200cخواهم"),
        ("<a href='https://a.example'>x</a><a href='https://a.example/p.html?f[0]=t:1&u=é🎉'>y</a>",
         ["https://a.example", "https://a.example/p.html?f[0]=t:1&u=é🎉"], "x (#) y (#)"),
        ("<a href='https://{{ first_name|lower }}.a.example/up'>x</a>",
         ["https://{{ first_name|lower }}.a.example/up"], "x (#)"),
        ("<p>" + "长" * 3_000 + "</p>", [], "长" * 3_000),
        ("<p>" + "x" * 3_000 + "</p>", [], "x" * 3_000),
    ],
)  # fmt: skip
def test_html_arrives_as_it_was_written(html: str, targets: list[str], text: str) -> None:
    mail = arrived(html=html + "<p>{{ unsubscribe_url }}</p>")
    assert mail["targets"] == targets
    assert re.sub(r"http\S*/e/c/[\w/-]+", "#", mail["text"]).startswith(f"{text}\n\nhttp")
    assert all("/e/c/" in link for link in mail["links"])
    # Nothing but the addresses of links differs.
    assert targets or html in mail["html"]


@pytest.mark.parametrize(
    ("text", "shown", "targets"),
    [
        ("访问https://a.example/s，好。见https://a.example/x。（https://a.example/y）",
         "访问#，好。见#。（#）",
         ["https://a.example/s", "https://a.example/x", "https://a.example/y"]),
        ("https://a.example:8443/a?b=c&d=e#f… me@a.example", "#… me@a.example",
         ["https://a.example:8443/a?b=c&d=e#f"]),
        ("https://例子.中国。 https://a.example/w/A_(b) (https://a.example/c)", "#。 # (#)",
         ["https://例子.中国", "https://a.example/w/A_(b)", "https://a.example/c"]),
        ("https://a.example/f?! https://a.example/g... https://a.example/【x】", "#?! #... #【x】",
         ["https://a.example/f", "https://a.example/g", "https://a.example/"]),
        (".\n..\nFrom x\n=\n\ttab  \n=3D", ".\n..\nFrom x\n=\n\ttab  \n=3D", []),
    ],
)  # fmt: skip
def test_a_text_arrives_as_it_was_written(text: str, shown: str, targets: list[str]) -> None:
    mail = arrived(text=f"{text}\n{{{{ unsubscribe_url }}}}")
    assert mail["targets"] == targets
    # A link in the text ends where its number ends.
    assert re.sub(r"http\S*?/e/c/\w+/\d+", "#", mail["text"]).startswith(f"{shown}\nhttp")


@pytest.mark.parametrize(
    "name",
    ["👨\u200d👩\u200d👧", "می\u200cخواهم", "王伟, 经理", 'A "B" <c>', "=?utf-8?q?x?=", "x" * 300],
)  # fmt: skip
def test_names_and_subjects_arrive(name: str) -> None:
    mail = arrived(text="{{ unsubscribe_url }}", subject="{{ full_name }}!", full_name=name)
    assert mail["subject"] == f"{name}!"
    assert mail["to"].addresses[0].display_name == name[:150]
