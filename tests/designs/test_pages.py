"""The pages of designs: the cards, the gallery, previews, and what a hostile design can't do."""

from collections.abc import Callable
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts.models import Attribute, Contact
from designs import checks, fields, previews, services, starters
from designs.inert import inert
from designs.models import Design
from designs.services import Draft
from tests import cputime

LEAVE = '<a href="{{ unsubscribe_url }}">leave</a>'


@pytest.fixture
def design(workspace: Workspace) -> Design:
    draft = Draft(name="Spring", subject="{{ first_name }}", html=f"<p>{{{{ city }}}}</p>{LEAVE}")
    return services.create(workspace, draft)


@pytest.fixture
def wang(workspace: Workspace) -> Contact:
    Attribute.objects.create(workspace=workspace, key="city", label="City")
    return Contact.objects.create(
        workspace=workspace,
        email="wang@example.cn",
        full_name="王芳",
        attributes={"city": "<杭州>"},
    )


@pytest.fixture
def viewer_client(workspace: Workspace, make_member: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    return client


def get(client: Client, name: str, *arguments: object, **query: str) -> str:
    answer = client.get(reverse(name, args=["brand", *arguments]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_cards_can_be_searched_sorted_and_archived(
    owner_client: Client, workspace: Workspace, design: Design
) -> None:
    services.create(workspace, Draft(name="Autumn"))
    page = get(owner_client, "designs", sort="name")
    assert page.index(">Autumn<") < page.index(">Spring<")
    assert ">Autumn<" not in get(owner_client, "designs", q="spr")
    answer = owner_client.post(reverse("archive_design", args=["brand", design.pk]), follow=True)
    assert ">Spring<" not in answer.content.decode()
    undo = reverse("restore_design", args=["brand", design.pk])
    assert f'action="{undo}"' in answer.content.decode()
    assert ">Spring<" in get(owner_client, "designs", archived="1")
    owner_client.post(undo)
    assert ">Spring<" in get(owner_client, "designs")


def test_a_copy_is_a_design_of_its_own(owner_client: Client, design: Design, owner: User) -> None:
    owner_client.post(reverse("duplicate_design", args=["brand", design.pk]))
    copy = Design.objects.exclude(pk=design.pk).get()
    assert (copy.name, copy.html, copy.updated_by) == ("Spring (copy)", design.html, owner)


@pytest.mark.parametrize("language", starters.LANGUAGES)
def test_every_starter_is_a_good_mail(workspace: Workspace, language: str) -> None:
    found = starters.every(language)
    assert len(found) == 5
    for starter in found:
        parts = {name: getattr(starter, name) for name in ("subject", "preheader", "html", "text")}
        for contact in (
            None,
            Contact.objects.create(workspace=workspace, email=f"{starter.key}@x.example"),
        ):
            preview = previews.render_preview(workspace, contact=contact, **parts)
            # Its links are to be replaced, and the checks say so.
            assert {problem.code for problem in preview.problems} <= {"placeholder_link"}
            assert "{{" not in preview.html + preview.text + preview.subject
        assert previews.count_remote(starter.html) == 0
        assert 'role="presentation"' in starter.html
        assert "unsubscribe_url" in starter.text


def test_the_gallery_speaks_the_person_s_language(owner_client: Client) -> None:
    assert "Newsletter" in get(owner_client, "new_design")
    assert "电子简报" in get(owner_client, "new_design", language="zh")
    owner_client.cookies.load({"django_language": "zh-hans"})
    assert (
        "电子简报"
        in owner_client.get(
            reverse("new_design", args=["brand"]), headers={"Accept-Language": "zh-CN"}
        ).content.decode()
    )


def test_a_design_from_the_gallery_and_as_plain_text(owner_client: Client) -> None:
    url = reverse("new_design", args=["brand"])
    owner_client.post(url, {"starter": "event", "language": "zh"})
    owner_client.post(url, {"plain": "1"})
    event, plain = Design.objects.order_by("pk")
    assert event.html == starters.get("event", "zh").html  # type: ignore[union-attr]
    assert (plain.html, "{{ unsubscribe_url }}" in plain.text) == ("", True)
    assert owner_client.post(url, {"starter": "../x", "language": "zh"}).status_code == 404


def test_an_empty_paste_says_what_to_do(owner_client: Client) -> None:
    answer = owner_client.post(reverse("new_design", args=["brand"]), {"name": "A", "html": " "})
    assert "Paste the HTML here, or choose a file." in answer.content.decode()
    assert not Design.objects.exists()


def test_the_frame_shows_the_mail_as_one_person_gets_it(
    owner_client: Client, design: Design, wang: Contact
) -> None:
    assert "&lt;杭州&gt;" in get(owner_client, "design_frame", design.pk, contact=str(wang.pk))
    assert "City" in get(owner_client, "design_frame", design.pk)
    text = get(owner_client, "design_frame", design.pk, contact=str(wang.pk), part="text")
    assert "&lt;杭州&gt;" in text
    assert "leave (" in text


def test_the_frame_may_do_nothing(owner_client: Client, design: Design) -> None:
    answer = owner_client.get(reverse("design_frame", args=["brand", design.pk]))
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "img-src data:;" in policy
    assert "frame-ancestors 'self'" in policy
    assert "allow-scripts" not in policy
    assert "X-Frame-Options" not in answer.headers
    loaded = owner_client.get(reverse("design_frame", args=["brand", design.pk]), {"images": "1"})
    assert "https:" in loaded.headers["Content-Security-Policy"]


def test_another_workspace_s_contact_is_not_shown(
    owner_client: Client, design: Design, other_workspace: Workspace
) -> None:
    theirs = Contact.objects.create(workspace=other_workspace, email="x@y.example")
    url = reverse("design_frame", args=["brand", design.pk])
    assert owner_client.get(url, {"contact": str(theirs.pk)}).status_code == 404
    assert owner_client.get(url, {"contact": "9" * 30}).status_code == 200


def test_who_may_only_read_sees_the_mail(viewer_client: Client, design: Design) -> None:
    editor = reverse("design", args=["brand", design.pk])
    preview = reverse("design_preview", args=["brand", design.pk])
    assert viewer_client.get(editor).headers["Location"] == preview
    assert "New design" not in get(viewer_client, "designs")
    assert f'href="{editor}"' not in get(viewer_client, "design_preview", design.pk)
    assert viewer_client.post(reverse("save_design", args=["brand", design.pk])).status_code == 403


def test_people_to_preview_as_are_found(owner_client: Client, wang: Contact) -> None:
    assert f'data-person="{wang.pk}"' in get(owner_client, "design_people", q="王")
    assert "Nobody found." in get(owner_client, "design_people", q="nobody")


def test_problems_come_with_their_lines(owner_client: Client, design: Design) -> None:
    url = reverse("design_problems", args=["brand", design.pk])
    html = "<p>\n{{ nobody }}\n<img src='https://x.example/a.png'>\n{% if %}"
    told = owner_client.post(url, {"subject": "{{ nobody }}", "html": html}).content.decode()
    assert "HTML, line 4" in told
    assert "There is no merge field named nobody." in told
    fixed = html.replace("{% if %}", LEAVE)
    told = owner_client.post(url, {"subject": "s", "html": fixed}).content.decode()
    assert "HTML, line 2" in told
    assert "HTML, line 3" in told
    assert "1 picture of another server is not loaded" in told


def test_marks_can_not_end_their_script_element(owner_client: Client, design: Design) -> None:
    url = reverse("design_problems", args=["brand", design.pk])
    told = owner_client.post(url, {"subject": "s", "html": "{{ a|x }}</script>{% </script> %}"})
    marks = told.content.decode().partition('data-problems-for="id_html">')[2]
    assert marks.partition("</script>")[0].endswith("]")


HOSTILE = {
    "loop": "{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
    "classes": "{{ ''.__class__.__mro__ }}",
    "call": "{{ ''.format() }}",
    "huge output": "{% for a in range(9000) %}" + "y" * 1000 + "{% endfor %}",
    "many tags": "{{ a }}" * 17_000,
    "many ifs": "{% if a %}x{% endif %}" * 6_000,
    "open tags": "<a " * 40_000,
    "open quotes": '<a "' * 30_000,
    "open comments": "<!-" * 40_000,
    "open declarations": "<![" * 40_000,
    "instructions": "<?" * 50_000,
    "entities": "&" * 100_000,
    "deep": "<div>" * 22_000,
    "deep links": "<a href='https://x.example'>" * 6_000,
    "ends": "</p" * 37_000,
    "pictures": "<img src=https://x.example/a.png>" * 6_000,
    "braces": "{{" * 60_000,
    "comments": "{#" * 60_000,
    "raw": "{% raw %}" * 12_000,
    "nested": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "filters": "{{ a" + "|upper" * 7_000 + " }}",
    "urls": "url(" * 30_000,
    "nul": "a\x00b",
    "surrogate": "\\ud800",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_design_is_answered_soon_and_in_words(
    owner_client: Client, design: Design, name: str
) -> None:
    for url_name, part in (
        ("design_problems", "html"),
        ("design_problems", "text"),
        ("design_preview", "html"),
    ):
        typed = {"subject": "s", part: HOSTILE[name]}
        with cputime.at_most(2):
            answer = owner_client.post(reverse(url_name, args=["brand", design.pk]), typed)
        assert answer.status_code == 200, (url_name, part)


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("\n{{ ''.__class__ }}", None),
        ("\n\n{{ a() }}", "Line 3: "),
        (
            "\n{% for a in range(10000) %}{% for b in range(10000) %}x{% endfor %}{% endfor %}",
            "Line 2",
        ),
        ("\n\n\n{{ a ", "Line 4: "),
        ("{% include 'x' %}", "Line 1: "),
    ],
)
def test_a_broken_design_says_why_in_its_frame(
    owner_client: Client, design: Design, html: str, words: str | None
) -> None:
    url = reverse("design_preview", args=["brand", design.pk])
    shown = owner_client.post(url, {"subject": "s", "html": html}).content.decode()
    assert "class" not in shown
    assert words is None or words in shown


def test_the_preview_is_light_or_dark_as_asked() -> None:
    html = (
        '<meta name="color-scheme" content="light dark"><style>:root { color-scheme: light dark }'
        "@media (prefers-color-scheme: dark) { p { color: white } }</style>"
    )
    light, dark = (previews.in_theme(html, dark=dark) for dark in (False, True))
    assert "max-width: 0px" in light
    assert light.count("dark") == 0
    assert "min-width: 0px" in dark
    assert 'content="dark"' in dark


@pytest.mark.parametrize(
    ("html", "count"),
    [
        ('<img src="https://x.example/a.png">', 1),
        ("<img src=//x.example/a.png>", 1),
        ("<img srcset='http://x.example/a.png 2x' src='data:,'>", 1),
        ('<img src="&#104;ttps://x.example/a.png">', 1),
        ("<td style=\"background:url('https://x.example/a.png')\">", 1),
        ("<table><tr><td background='https://x.example/a.png'>", 1),
        ("<input type=image src='https://x.example/a.png'>", 1),
        ("<video poster='https://x.example/a.png'>", 1),
        ("<svg><image href='https://x.example/a.png'></svg>", 1),
        ('<img src="data:image/png;base64,AAAA">', 0),
        ("<!-- <img src='https://x.example/a.png'> -->", 0),
    ],
)
def test_pictures_of_other_servers_are_drawn_instead(html: str, count: int) -> None:
    assert previews.count_remote(html) == count
    assert previews.count_remote(previews.without_remote(html)) == 0
    assert count == 0 or "x.example" not in previews.without_remote(html)


@pytest.mark.parametrize(
    ("html", "made"),
    [
        ("<p>a<script>b</script >c", "<p>ac"),
        ("<p>a<SCRIPT src='x'>b", "<p>a"),
        ("<link rel=stylesheet href='https://x.example/a.css'>a", "<link rel=stylesheet href=''>a"),
        ("<style>@import url(x);p{}@IMPORT 'y' screen;</style>", "<style>p{}</style>"),
        ("<iframe src=x srcdoc='<p>'></iframe>", "<iframe src= srcdoc=''></iframe>"),
        ("<body onload='a()' onclick=b()>", "<body load='a()' click=b()>"),
        ("<meta http-equiv=refresh content='0;url=x'>", "<meta http-equiv=refresh content=''>"),
        ("<meta http-equiv='Content-Type' content='text/html'>", None),
        ("<meta name=viewport content='width=device-width'>", None),
        ("<a href='x' one='y'>@import 'a'; <!-- <script> --></a>", "<a href='x' e='y'>"),
        ("<img src='https://x.example/a.png'><style>p{color:red}</style>", None),
    ],
)
def test_frames_have_nothing_that_runs(html: str, made: str | None) -> None:
    assert inert(html).startswith(made or html)
    assert made is not None or inert(html) == html


def test_without_a_contact_every_field_has_a_value(workspace: Workspace) -> None:
    kinds = Attribute.Type
    for kind in kinds:
        Attribute.objects.create(
            workspace=workspace, key=kind.value, label="L", type=kind, choices=["gold"]
        )
    values = fields.values(workspace, None)
    assert all(values[kind.value] or values[kind.value] == 0 for kind in kinds)
    assert {"email", "number"} <= fields.known(workspace)
    source = checks.MailSource(
        subject="{{ date|date }}", html=f"{{{{ number|number(2) }}}} {LEAVE}"
    )
    assert checks.check(source, fields=fields.known(workspace)) == []
    preview = previews.render_preview(workspace, contact=None, **source.parts())
    assert "42.00" in preview.html


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ("<p>{{ 1|nope }}</p>", "Line 1: There is no filter named nope."),
        # On a line of which something else is said.
        ('\n<a href="https://example.com/a">{{ 1/0 }}</a>', "Line 2: "),
        ('<img src="x">{{ 1/0 }}', "Line 1: "),
        ("Hi {{#if first_name}}x{{/if}}", "Line 1: “{{#if first_name}}”"),
        ("*|FNAME|*{{ 1/0 }}", "Line 1: “*|FNAME|*”"),
    ],
)
def test_a_preview_that_cannot_be_drawn_says_what_is_wrong_and_where(
    workspace: Workspace, html: str, reason: str
) -> None:
    preview = previews.render_preview(workspace, subject="Hi", html=html)
    for part in ("html", "text"):
        shown = unescape(previews.framed(preview, part, images=False))
        assert "This mail cannot be shown until this is corrected:" in shown
        assert reason in shown
    # The list beside it says so, too, whatever else it says of this line.
    assert preview.failures("html")[0] in preview.problems


def test_what_is_wrong_in_the_html_is_not_told_of_the_text_made_from_it(
    workspace: Workspace,
) -> None:
    html = '<p>{{ contact.FIRSTNAME | default : "friend" }} {{ unsubscribe_url }}</p>'
    preview = previews.render_preview(workspace, subject="Hi", html=html)
    assert {problem.part for problem in preview.problems} == {"html"}
    preview = previews.render_preview(
        workspace, subject="Hi", html="<p>{{ 1|nope }} {{ unsubscribe_url }}</p>"
    )
    assert [problem.part for problem in preview.problems] == ["html"]
    assert "nope" in previews.framed(preview, "text", images=False)
