"""Mails of compiled contents are the mails that plain rendering and the `email` package make."""

import email
import email.policy
import os
from datetime import UTC
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from designs.compiling import Uncompiled
from designs.rendering import PARTS, Rendered, Renderer, RenderError
from sending.compose import headers, tokens
from sending.compose.assembly import Assembly
from sending.compose.composer import name_of
from sending.compose.mime import Sender
from sending.compose.publicurls import MessageUrls, Pixel, fixed
from tests.sending.compose.templates import LINES, PEOPLE, SOURCES, TEXTS

WORKSPACE = {"name": "Brand & Söhne", "address": "1 Long Lane.\r\n上海"}
SENDER = Sender(
    name="Brand 品牌",
    email="news@brand.example",
    reply_to="",
    list_id="campaign-7.brand.example",
    list_name="Brand, the shop",
    mailing_id=7,
)
MESSAGE = 4_711
# More of them: YANSHU_TEST_EXAMPLES=20000.
EXAMPLES = settings(
    max_examples=int(os.environ.get("YANSHU_TEST_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def assembly(parts: dict[str, str], *, pixel: Pixel = Pixel.OWN) -> Assembly:
    same = fixed(mailing_id=7, workspace=WORKSPACE, pixel=pixel)
    every = dict.fromkeys(PARTS, "") | parts
    return Assembly(every, sender=SENDER, fixed=same, zone=UTC)


def made(way: Assembly, person: dict[str, Any]) -> bytes:
    to = headers.to(name_of(person), person["email"])
    return way.mail(to, person.get, tokens.make(MESSAGE))


def rendered(
    parts: dict[str, str], person: dict[str, Any], *, pixel: Pixel = Pixel.OWN
) -> Rendered:
    every = dict.fromkeys(PARTS, "") | parts
    urls = MessageUrls(MESSAGE, mailing_id=7, pixel=pixel)
    return Renderer(**every).render({**person, "workspace": WORKSPACE}, urls)


def by_package(mail: Rendered, person: dict[str, Any]) -> EmailMessage:
    message = EmailMessage(policy=email.policy.SMTP)
    name = headers.clean_name(name_of(person))
    message["To"] = Address(name, addr_spec=person["email"])
    message["Subject"] = mail.subject
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    assert part is not None
    return part.get_payload(decode=True).decode()  # type: ignore[union-attr]


def check_bytes(content: bytes) -> None:
    """What every hop may ask of a mail (RFC 5321, RFC 5322, RFC 2045)."""
    assert content.endswith(b"\r\n")
    bare = content.replace(b"\r\n", b"")
    assert b"\n" not in bare
    assert b"\r" not in bare
    lines = content.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith(b".") for line in lines)
    assert content.isascii()
    assert b"\0" not in content
    bodies = content.split(b"quoted-printable\r\n\r\n")[1:]
    assert max(len(line) for part in bodies for line in part.split(b"\r\n")) <= 76
    assert not any(b" \r\n" in part or b"\t\r\n" in part for part in bodies)


def same(content: bytes, mail: Rendered, person: dict[str, Any]) -> None:
    mine = read(content)
    theirs = read(by_package(mail, person).as_bytes())
    assert mine["Subject"] == mail.subject
    [address] = mine["To"].addresses
    assert address.addr_spec == person["email"]
    # Not display_name: Python's parser puts blanks between the encoded words of a phrase.
    phrase, _ = parseaddr(email.message_from_bytes(content)["To"])
    assert str(make_header(decode_header(phrase))) == headers.clean_name(name_of(person))
    # One line end follows whatever the text ends with.
    assert body(mine, "plain") == mail.text.replace("\n", "\r\n") + "\r\n"
    assert body(mine, "html") == mail.html.replace("\n", "\r\n") + "\r\n"
    assert body(mine, "plain").rstrip("\r\n") == body(theirs, "plain").rstrip("\r\n")
    assert body(mine, "html").rstrip("\r\n") == body(theirs, "html").rstrip("\r\n")
    assert mine.defects == []


@pytest.mark.slow
@given(
    subject=LINES,
    preheader=LINES,
    html=SOURCES,
    text=SOURCES,
    person=PEOPLE,
    pixel=st.sampled_from(Pixel),
)
@EXAMPLES
def test_a_compiled_mail_is_the_plain_mail(
    *, subject: str, preheader: str, html: str, text: str, person: dict[str, Any], pixel: Pixel
) -> None:
    parts = {"subject": subject, "preheader": preheader, "html": f"<p>{html}", "text": text}
    try:
        way = assembly(parts, pixel=pixel)
    except Uncompiled:
        event("not compiled")
        assume(False)
    try:
        mail = rendered(parts, person, pixel=pixel)
    except RenderError:
        event("an error")
        with pytest.raises(Exception):  # noqa: B017, PT011 - plain rendering says which
            made(way, person)
        return
    try:
        content = made(way, person)
    except Exception as error:  # noqa: BLE001 - then plain rendering makes the mail
        event(f"left to plain rendering: {type(error).__name__} {error}")
        return
    event("compiled")
    check_bytes(content)
    same(content, mail, person)
    # Now values are remembered.
    assert body(read(made(way, person)), "html") == body(read(content), "html")


@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS)
@EXAMPLES
def test_any_value_comes_back(values: list[str], name: str) -> None:
    person = {f"v{n}": value for n, value in enumerate(values)}
    person |= {"email": "lee@x.example", "full_name": name}
    source = "a" + "".join(f"{{{{ {key} }}}}" for key in person)
    parts = {"subject": "{{ full_name }}", "html": source, "text": source}
    content = made(assembly(parts), person)
    check_bytes(content)
    same(content, rendered(parts, person), person)


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name|default('you')|upper }}, {{ city }} {{ points|number(2) }} {{ nobody }}",
        "{% if points > 5 and city %}{{ points }}{% elif vip %}b{% else %}c{% endif %}",
        "{% for n in range(3) %}{{ loop.index }}{{ n }}{% if loop.last %}.{% endif %}{% endfor %}",
        "{% for n in range(points) %}{{ loop.index }}/{{ loop.length }}{% endfor %}",
        "{% for c in city if c != 'x' %}{{ c }}{{ loop.first }}{% else %}none{% endfor %}",
        "{% set x = city %}{% if vip %}{% set x = 'V' %}{% endif %}{{ x }}",
        "{% for n in [city, 'b'] %}{% set x = n %}{{ x|lower }}{{ first_name }}{% endfor %}{{ x }}",
        "{% with x = city ~ '<b>' %}{{ x }}{{ x|e }}{% endwith %}{{ joined|date('long', 'zh') }}",
        "{{ view_url }} {{ unsubscribe_url|urlencode }} {{ track(3) }} {{ track(points) }}",
        "{% if open_pixel_url %}{{ open_pixel_url }}{% else %}-{% endif %}{{ open_pixel_url|d }}",
        "{{ workspace.name }}{{ workspace['address']|upper }}{{ workspace.nothing|d('n') }}",
        "{{ 'yes' if vip else 'no' }}{{ 'a' if nobody }}{{ points * 2 + 1 }}{{ 'x' 'y' }}",
        "{# no #}{% raw %}{{ a }}{% endraw %}  {%- if 1 %} a {% endif -%}  b\n",
        "{{ true }}{{ 1 }}{{ 1.0 }}{{ none }}{{ vip }}{{ points }}{{ points == 7 }}",
    ],
)
@pytest.mark.parametrize("pixel", Pixel)
def test_what_real_contents_use_is_compiled(source: str, pixel: Pixel) -> None:
    person: dict[str, Any] = {
        "email": "lee@x.example",
        "first_name": "Lee",
        "city": "<上海>",
        "points": 7,
        "vip": True,
    }
    parts = {"subject": "{{ first_name }}", "html": f"<p>{source}", "text": source}
    content = made(assembly(parts, pixel=pixel), person)
    check_bytes(content)
    same(content, rendered(parts, person, pixel=pixel), person)
