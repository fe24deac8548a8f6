"""CPU time of composing one mail, in microseconds: compiled content, plain text, and by `email`.

    python -m benchmarks.bench_compose [--mails N] [--profile]

A newsletter of about 10 KB HTML with 15 counted links and the usual merge fields, for people with
many different names. Without database and wire. The last line is JSON.
"""

import argparse
import cProfile
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from django.conf import settings

from designs.links import Links, track_html, track_text
from designs.rendering import Renderer
from sending.compose import headers, tokens
from sending.compose.assembly import Assembly
from sending.compose.mime import Mail, Sender, build
from sending.compose.publicurls import MessageUrls, Pixel, fixed

WORKSPACE = {"name": "Wild Goose Books", "address": "12 Long Lane, Oxford & 上海市南京路 1 号"}
SENDER = Sender(
    name="Wild Goose Books",
    email="news@brand.example",
    reply_to="care@brand.example",
    list_id="campaign-7.brand.example",
    list_name="Wild Goose Books",
    mailing_id=7,
)
ROW = (
    '<tr><td style="padding:16px 24px;border-bottom:1px solid #e5e7eb" valign="top">'
    '<h2 style="margin:0 0 8px;font:600 20px/1.3 Georgia,serif;color:#1f2328">Letters, {n}</h2>'
    '<p style="margin:0 0 12px;font:16px/1.6 Helvetica,Arial,sans-serif;color:#3d4450">A book that '
    "is opened at night and closed in the morning, {{{{ first_name|default('friend') }}}}: there "
    "is little to add to what its first readers said of it in autumn. 秋天的信。</p>"
    '<a href="https://shop.example/books/{n}?from=letter&amp;n={n}" style="display:inline-block;'
    'padding:10px 18px;background:#1d4ed8;color:#ffffff;text-decoration:none">Read on</a></td></tr>'
)
HTML = (
    '<!doctype html><html><head><meta charset="utf-8"><title>{{ workspace.name }}</title></head>'
    '<body style="margin:0;background:#f6f7f9"><div style="display:none">{{ preheader }}</div>'
    '<table role="presentation" width="100%"><tr><td>Dear {{ full_name|default("reader") }},'
    "{% if points and points > 1000 %}thank you for {{ points|number }} points."
    "{% elif city %}greetings to {{ city|upper }}.{% else %}welcome.{% endif %} "
    "Since {{ joined|date('long') }}: {% for n in range(3) %}<b>{{ loop.index }}</b>★{% endfor %}"
    "</td></tr>"
    + "".join(ROW.format(n=n) for n in range(15))
    + '</table><a href="https://shop.example/shops?city={{ city|urlencode }}">Near you</a>'
    + '<p>{{ email }} <a href="{{ unsubscribe_url }}">Unsubscribe</a> '
    '<a href="{{ view_url }}">In the browser</a> {{ workspace.address }}</p>'
    '{% if open_pixel_url %}<img src="{{ open_pixel_url }}" width="1" height="1" alt="">{% endif %}'
    "</body></html>"
)
TEXT = (
    "Dear {{ full_name|default('reader') }},\n\n{% if city %}greetings to {{ city }}.{% endif %}\n"
    + "".join(
        f"\n* Letters, {n}\n  https://shop.example/books/{n}?from=letter&n={n}\n" for n in range(15)
    )
    + "\n{{ unsubscribe_url }}\n{{ workspace.address }}\n"
)
SUBJECT = "{{ first_name|default('Friend') }}, 秋天的信 for {{ city|default('you') }}"
PREHEADER = "Fifteen books for {{ first_name|default('you') }}"
NAMES = (
    ("Zoë", "Müller"),
    ("伟", "王"),
    ("Ann", "O'Brien"),
    ("秀英", "欧阳"),
    ("José", "Lee"),
    ("Tom", "Hill"),
)
CITIES = ("上海", "Oxford", "", "Graz & Wien", "杭州")


def person(n: int) -> dict[str, Any]:
    first, last = NAMES[n % len(NAMES)]
    return {
        "email": f"person.{n}@mail{n % 40}.example",
        "first_name": first,
        "last_name": f"{last} {n % 5000}",
        "full_name": f"{first} {last} {n % 5000}",
        "city": CITIES[n % len(CITIES)],
        "points": n * 37 % 3000,
        "joined": date(2020 + n % 6, n % 12 + 1, n % 28 + 1),
    }


def parts() -> dict[str, str]:
    links = Links()
    return {
        "subject": SUBJECT,
        "preheader": PREHEADER,
        "html": track_html(HTML, links),
        "text": track_text(TEXT, links),
    }


def compiled(content: dict[str, str]) -> Callable[[int, dict[str, Any]], bytes]:
    same = fixed(mailing_id=7, workspace=WORKSPACE, pixel=Pixel.OWN)
    assembly = Assembly(content, sender=SENDER, fixed=same, zone=UTC)

    def make(n: int, fields: dict[str, Any]) -> bytes:
        to = headers.to(fields["full_name"], fields["email"])
        return assembly.mail(to, fields.get, tokens.make(n))

    return make


def plain(content: dict[str, str]) -> Callable[[int, dict[str, Any]], bytes]:
    renderer, now = Renderer(**content), datetime.now(UTC)

    def make(n: int, fields: dict[str, Any]) -> bytes:
        urls = MessageUrls(n)
        rendered = renderer.render(fields | {"workspace": WORKSPACE}, urls)
        mail = Mail(
            to_name=fields["full_name"],
            to_email=fields["email"],
            subject=rendered.subject,
            html=rendered.html,
            text=rendered.text,
            token=urls.token,
            unsubscribe_url=urls.unsubscribe,
            date=now,
        )
        return build(SENDER, mail)

    return make


def by_email(content: dict[str, str]) -> Callable[[int, dict[str, Any]], bytes]:
    renderer, now = Renderer(**content), datetime.now(UTC)

    def make(n: int, fields: dict[str, Any]) -> bytes:
        urls = MessageUrls(n)
        rendered = renderer.render(fields | {"workspace": WORKSPACE}, urls)
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(SENDER.name, addr_spec=SENDER.email)
        message["To"] = Address(fields["full_name"], addr_spec=fields["email"])
        message["Subject"] = rendered.subject
        message["Date"] = now
        message["Message-ID"] = f"<{urls.token}@brand.example>"
        message["List-Unsubscribe"] = f"<{urls.unsubscribe}>"
        message.set_content(rendered.text, cte="quoted-printable")
        message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
        return message.as_bytes()

    return make


def measured(make: Callable[[int, dict[str, Any]], bytes], people: list[dict[str, Any]]) -> float:
    """Microseconds of CPU for each mail."""
    for n, fields in enumerate(people[:50], 1):
        make(n, fields)
    begun = time.process_time()
    for n, fields in enumerate(people, 5_000_000):
        make(n, fields)
    return (time.process_time() - begun) / len(people) * 1_000_000


def ways() -> Iterator[tuple[str, Callable[[int, dict[str, Any]], bytes], int]]:
    """(name, function, how many of a hundred mails suffice)"""
    content = parts()
    yield "email package", by_email(content), 2
    yield "plain", plain(content), 10
    yield "compiled", compiled(content), 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true", help="where the compiled way spends it")
    options = parser.parse_args()
    settings.configure(
        SECRET_KEY="a key for benchmarks", SECRET_KEY_FALLBACKS=[], PUBLIC_URL="https://m.example"
    )
    people = [person(n) for n in range(options.mails)]
    content = parts()
    size = len(compiled(content)(1, people[0]))
    print(f"{len(content['html'])} characters of HTML, {size} bytes a mail")
    found = {}
    for name, make, share in ways():
        found[name] = round(measured(make, people[: max(options.mails * share // 100, 100)]), 1)
        print(f"{name:>14}: {found[name]:8.1f} us")
    if options.profile:
        cProfile.runctx("measured(compiled(content), people)", globals(), locals(), sort="tottime")
    print(json.dumps({f"{name.replace(' ', '_')}_us": cost for name, cost in found.items()}))


if __name__ == "__main__":
    main()
