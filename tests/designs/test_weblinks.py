"""Links and pictures that can't work are told of before sending; a contact's web address works."""

import email
import email.policy
import re
from operator import itemgetter
from pathlib import Path

import pytest

from designs.checks import MailSource, check
from designs.fieldlinks import add_schemes, schemes_in_text
from designs.filters import filters
from designs.rendering import CompiledPart
from designs.services import compile_parts
from tests.sending.compose.test_compose import claimed, composer

CASES = Path(__file__).parents[1] / "cases" / "mail"


def codes(html: str, *fields: str) -> list[str]:
    source = MailSource(subject="Hi", html=html + "\n{{ unsubscribe_url }}")
    return [one.code for one in check(source, fields=fields)]


def test_case_links_without_scheme() -> None:
    html = (CASES / "12-links-without-scheme.html").read_text()
    found = check(MailSource(subject="Hi", html=html), fields={"website"})
    assert {one.severity for one in found} == {"warning"}
    assert sorted(((one.code, one.line) for one in found), key=itemgetter(1)) == [
        ("no_scheme_link", 1),
        ("no_scheme_link", 1),
        ("relative_link", 1),
        ("unknown_scheme_link", 1),
        ("relative_file", 2),
        ("file_file", 2),
        ("cid_file", 2),
    ]
    assert any("“/sale”" in one.text for one in found)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://shop.example/a?b=1#c", ""),
        ("https://shop.example:8443/", ""),
        ("HTTPS://SHOP.EXAMPLE", ""),
        ("https://商店.example/路", ""),
        ("mailto:care@shop.example?subject=Hi", ""),
        ("tel:+8613800000000", ""),
        # Short numbers, which look like a host and a port.
        ("tel:10086", ""),
        ("SMS:12306", ""),
        ("weixin://dl/business", ""),
        ("http://https://shop.example/", "unknown_scheme_link"),
        ("#top", ""),
        ("{{ unsubscribe_url }}", ""),
        ("https://{{ city }}.shop.example/", ""),
        ("https://shop.example/{{ city }}", ""),
        ("", "empty_link"),
        ("#", "empty_link"),
        (" ", "empty_link"),
        ("http://", "empty_link"),
        ("https://", "empty_link"),
        ("https:///sale", "empty_link"),
        ("http://shop.example/", "insecure_link"),
        ("www.shop.example", "no_scheme_link"),
        ("shop.example:8080/sale", "no_scheme_link"),
        ("shop.example?x=1", "no_scheme_link"),
        ("//shop.example/sale", "no_scheme_link"),
        ("shop.{{ city }}.example/x", "no_scheme_link"),
        ("商店.example", "no_scheme_link"),
        ("sale", "relative_link"),
        ("sale.html", "relative_link"),
        ("../sale", "relative_link"),
        ("?page=2", "relative_link"),
        ("htps:shop.example", "unknown_scheme_link"),
        ("https:/shop.example", "unknown_scheme_link"),
        ("https:shop.example", "unknown_scheme_link"),
        ("ftp://shop.example", "unknown_scheme_link"),
        ("javascript:void(0)", "runs_link"),
        ("data:text/html,x", "runs_link"),
        ("file:///C:/a.pdf", "file_link"),
        ("C:\\a.pdf", "file_link"),
        ("cid:a", "cid_link"),
        ("https://example.com/", "placeholder_link"),
        ("http://www.EXAMPLE.org?x", "placeholder_link"),
        ("https://example.net.", "placeholder_link"),
        ("https://your-domain.com/a", "placeholder_link"),
        ("https://notexample.com/", ""),
        ("https://example.community/", ""),
        ("http://localhost:8000/", "local_link"),
        ("http://intranet/news", "local_link"),
        ("https://nas.local/", "local_link"),
        ("https://192.168.1.7/", "local_link"),
        ("https://user@10.0.0.1:80/", "local_link"),
        ("https://[::1]/", "local_link"),
        ("https://[fe80::1", "local_link"),
        ("https://9.9.9.9/", ""),
    ],
)
def test_links(url: str, code: str) -> None:
    html = f'<a href="{url}">x</a>'
    assert codes(html, "city") == ([code] if code else [])


@pytest.mark.parametrize(
    "html",
    [
        '<img alt="" src="{}">',
        '<table background="{}">',
        "<td background={}>",
        '<img alt="" srcset="{} 2x, https://shop.example/b.png 3x">',
        '<img alt="" srcset="https://shop.example/b.png 1x, {} 3x">',
        '<div style="color:red;background:url({})">',
        "<div style=\"background:url('{}')\">",
        '<style>.a { background: url( "{}" ) }</style>',
        '<v:fill type="tile" src="{}">',
        '<video poster="{}">',
    ],
)
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("/a.png", "relative_file"),
        ("cid:logo", "cid_file"),
        ("file:///C:/a.png", "file_file"),
        ("shop.example/a.png", "no_scheme_file"),
        ("https://example.com/a.png", "placeholder_file"),
        ("http://localhost/a.png", "local_file"),
        ("mailto:a@b.example", "unknown_scheme_file"),
        ("http://shop.example/a.png", ""),
        ("https://shop.example/a.png", ""),
    ],
)
def test_pictures_wherever_they_stand(html: str, url: str, code: str) -> None:
    assert codes("\n" + html.replace("{}", url)) == ([code] if code else [])


def test_a_picture_that_is_written_into_the_mail() -> None:
    assert codes('<img alt="" src="data:image/png;base64,iVBORw0KGgo=, x">') == ["data_file"]


def test_what_is_no_link_is_not_looked_at() -> None:
    html = '<!-- <a href="/x">x</a> --><link href="/a.css"><script src="/a.js"></script>'
    assert codes(html + '<a name="top">x</a><p>url(/x) www.shop.example</p>') == []


@pytest.mark.parametrize(
    ("value", "made"),
    [
        ("shop.example", "https://shop.example"),
        (" www.shop.example/a b ", "https://www.shop.example/a b"),
        ("shop.example:8080/x", "https://shop.example:8080/x"),
        ("//shop.example", "https://shop.example"),
        ("https:shop.example/x", "https://shop.example/x"),
        ("https//shop.example", "https://shop.example"),
        ("http：//shop.example", "http://shop.example"),
        ("http://https://shop.example", "https://shop.example"),
        ("https: //shop.example", "https://shop.example"),
        ("https:///shop.example", "https://shop.example"),
        ("<https://shop.example>", "https://shop.example"),
        ("\u200bhttps://shop.example\u00a0", "https://shop.example"),
        ("https://", ""),
        ("tel:+4912345", "tel:+4912345"),
        ("weixin://dl/chat", "weixin://dl/chat"),
        ("a@b.example?subject=x", "mailto:a@b.example?subject=x"),
        ("https://a.example/\r\nx", "https://a.example/ x"),
        ("商店.例子/路", "https://商店.例子/路"),
        ("https://shop.example", "https://shop.example"),
        ("HTTP://shop.example", "HTTP://shop.example"),
        ("mailto:a@b.example", "mailto:a@b.example"),
        ("a@b.example", "mailto:a@b.example"),
        ("/sale", "/sale"),
        ("none", "none"),
        ("", ""),
        (None, ""),
        ("javascript:alert(1)", ""),
        ("JavaScript\n:alert(1)", ""),
        ("java\tscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("\u202ejavascript:alert(1)", ""),
        ("java\u200bscript:alert(1)", ""),
        ("\x01javascript:alert(1)", ""),
        ("//javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
    ],
)
def test_a_value_as_a_link(value: object, made: str) -> None:
    assert filters("en")["link"](value) == made


@pytest.mark.parametrize(
    ("href", "values", "made"),
    [
        ("http://{{ unsubscribe_url }}", {}, "https://m.example/u"),
        (" HTTPS://{{-unsubscribe_url}}", {}, "https://m.example/u"),
        ("https://{{ site }}", {"site": "https://a.example/x"}, "https://a.example/x"),
        ("https://{{ site }}?q=1", {"site": "www.a.example"}, "https://www.a.example?q=1"),
        ("https://{{ site|lower }}/y", {"site": "HTTP://A.example"}, "http://a.example/y"),
        ("https://{{ site }}/", {"site": "intranet"}, "https://intranet/"),
        ("https://{{ site }}", {"site": "javascript:alert(1)"}, ""),
        ("http://{{ site }}", {"site": "https://a.example"}, "https://a.example"),
        ("http://{{ site }}/x", {"site": "a.example"}, "http://a.example/x"),
        ("//{{ site }}", {"site": "a.example"}, "https://a.example"),
        ("//{{ site }}", {"site": "http://a.example"}, "http://a.example"),
        ("https://{{ site }}:8080/", {"site": "http://a.example"}, "http://a.example:8080/"),
        ("https://{{ site|link }}", {"site": "http://a.example"}, "http://a.example"),
        ("https://{{ site }}", {"site": " https://a.example "}, "https://a.example"),
        ("https://{{ site }}", {"site": "//a.example"}, "https://a.example"),
        ("https://{{ site }}", {"site": ""}, ""),
        ("https://{{ site }}", {"site": "/sale"}, ""),
        ("https://{{ site }}", {"site": "not known"}, ""),
        ("https://{{ site }}", {"site": "a@b.example"}, "mailto:a@b.example"),
        ("{% if site %}https://{{ site }}{% endif %}", {"site": "http://a.example"},
         "http://a.example"),
        ("{% if no %}https://b.example/{% else %}http://{{ site }}{% endif %}",
         {"site": "https://a.example"}, "https://a.example"),
        ("https://b.example/{% if site %}{{ site }}{% endif %}", {"site": "a.example"},
         "https://b.example/a.example"),
        ("{% if site %}https://b.example/{% endif %}{{ site }}", {"site": "a.example"},
         "https://b.example/a.example"),
        # The field is a part of the host.
        ("https://{{ site }}.b.example/", {"site": "a"}, "https://a.b.example/"),
        ("https://{{ site }}{{ site }}/", {"site": "a."}, "https://a.a./"),
    ],
)  # fmt: skip
def test_a_scheme_before_an_address_that_has_one(
    href: str, values: dict[str, str], made: str
) -> None:
    html = add_schemes(f'<a href="{href}">x</a>')
    given = {"unsubscribe_url": "https://m.example/u", **values}
    assert CompiledPart(html, "html").render(given) == f'<a href="{made}">x</a>'


@pytest.mark.parametrize(
    ("href", "made"),
    [
        ("{{ website }}", "{{ website|link }}"),
        (" {{- website -}} ", " {{ website|link }} "),
        (
            "{{ website|default('shop.example') }}/x",
            "{{ (website|default('shop.example'))|link }}/x",
        ),
        ("{{ link }}", "{{ link|link }}"),
        ("{{ website|link }}", None),
        ("{{ unsubscribe_url }}", None),
        ("{{ track(3) }}", None),
        ("https://{{ website }}", "{{ website|link(true) }}"),
        ("https://shop.example/{{ website }}", None),
        ("{% if a %}{{ website }}{% endif %}", "{% if a %}{{ website|link }}{% endif %}"),
        ("{% raw %}{{ website }}{% endraw %}", None),
        ("/{{ website }}", None),
    ],
)
def test_links_that_begin_with_a_field(href: str, made: str | None) -> None:
    html = f'<p>{{{{ website }}}}</p><a class="b" href="{href}">x</a>'
    assert add_schemes(html) == html.replace(f'"{href}"', f'"{made or href}"')


@pytest.mark.parametrize("clicks", [False, True])
def test_a_contact_s_web_address_in_a_mail(clicks: bool) -> None:
    html = '<a href="{{ website }}">Your site</a>'
    parts = compile_parts(subject="Hi", preheader="", html=html, text="", track_clicks=clicks)
    links = parts.pop("links")
    assert links == (["{{ website|link }}"] if clicks else [])
    made = composer(**parts).compose(claimed(), {"website": "shop.example", "email": "a@b.example"})
    flat = made.content.replace(b"=\r\n", b"").replace(b"=3D", b"=")  # type: ignore[union-attr]
    assert (b'href="https://shop.example"' in flat) is not clicks


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("See http://{{ site }}.", "See https://a.example."),
        ("(https://{{ site }}/x)", "(https://a.example/x)"),
        ("https://{{ site }}，好", "https://a.example，好"),
        ("https://{{ sub }}.b.example", "https://a.b.example"),
        ("{{ site }} x://{{ sub }}", "https://a.example x://a"),
        ("{% raw %}https://{{ site }}{% endraw %}", "https://{{ site }}"),
        ("https://{{ unsubscribe_url }}", "https://m.example/u"),
    ],
)
def test_a_scheme_before_a_field_in_typed_text(text: str, made: str) -> None:
    values = {"site": "https://a.example", "sub": "a", "unsubscribe_url": "https://m.example/u"}
    assert CompiledPart(schemes_in_text(text), "text").render(values) == made


def test_a_picture_whose_address_a_field_has() -> None:
    html = add_schemes('<img src="https://{{ photo }}"><img src="{{ photo }}?w=2">')
    made = CompiledPart(html, "html").render({"photo": "http://a.example/b.png"})
    assert made == '<img src="http://a.example/b.png"><img src="http://a.example/b.png?w=2">'


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(
    ("site", "stands"),
    [
        ("mailto:lan@a.example?subject=a&body=b", "mailto:lan@a.example?subject=a&amp;body=b"),
        ("lan@a.example", "mailto:lan@a.example"),
        ("tel:+86 10 1234", "tel:+86 10 1234"),
        ("sms:10086", "sms:10086"),
        ("weixin://dl/chat?x", "weixin://dl/chat?x"),
        ("javascript:alert(1)", ""),
        ("", ""),
        ("unknown", ""),
        ("sms:1?body=" + "x" * 2_000, "sms:1?body=" + "x" * 2_000),
        ("https://a.example/x", None),
    ],
)
def test_only_addresses_of_the_web_are_counted(
    site: str, stands: str | None, compiled: bool
) -> None:
    html = '<p>x</p><a href="{{ site }}">Call</a>{{ unsubscribe_url }}'
    if not compiled:
        # What compiling can't do.
        html = f"{{% for n in site %}}{{% endfor %}}{{{{ self }}}}{html}"
    parts = compile_parts(subject="Hi", preheader="", html=html, text="", track_clicks=True)
    parts.pop("links")
    made = composer(**parts).compose(claimed(), {"site": site, "email": "a@b.example"})
    mail = email.message_from_bytes(made.content, policy=email.policy.default)  # type: ignore[union-attr]
    body = mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    href = re.search(r'<a href="([^"]*)"', body)[1]  # type: ignore[index]
    assert href == stands if stands is not None else "/e/c/" in href
