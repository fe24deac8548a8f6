"""Saving through the form: to the byte, by versions, and what can't be saved."""

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from designs import services
from designs.models import Design
from designs.services import Draft, as_typed

HTMX = {"HX-Request": "true"}


@pytest.fixture
def design(workspace: Workspace) -> Design:
    return services.create(workspace, Draft(name="Spring", subject="Hi", html="<p>one</p>\n"))


def save(client: Client, design: Design, **typed: Any) -> str:
    """What the editor is told. The form sends what isn't given as it is saved."""
    kept = {name: getattr(design, name) for name in (*services.EDITABLE, "version")}
    url = reverse("save_design", args=[design.workspace.slug, design.pk])
    answer = client.post(url, kept | typed, headers=HTMX)
    assert answer.status_code == 200
    design.refresh_from_db()
    return answer.content.decode()


PASTED = [
    "<p>\n  two lines\n</p>\n",
    "no line end",
    "tabs\tand trailing spaces  \n\t\n   \n",
    "emoji 🪿 and 👩‍👩‍👧, no-break\u00a0space, zero\u200bwidth, 雁书，全角\u3000空格\n",
    "\n\nempty lines first\n\n",
    "<textarea>&lt;&amp;&#10;</textarea>\n<!-- </textarea> -->\n",
    "\u2028line separator\u2029 \x85 \x0b \x0c\n",
]


@pytest.mark.parametrize("html", PASTED)
@pytest.mark.parametrize("part", ["html", "text"])
def test_what_is_pasted_is_stored_to_the_byte(
    owner_client: Client, design: Design, html: str, part: str
) -> None:
    """A browser turns every line end into CRLF on its way."""
    save(owner_client, design, **{part: html.replace("\n", "\r\n")})
    assert getattr(design, part) == html


@pytest.mark.parametrize("html", PASTED)
def test_what_the_editor_shows_comes_back_unchanged(
    owner_client: Client, design: Design, html: str
) -> None:
    save(owner_client, design, html=html)
    version = design.version
    page = owner_client.get(reverse("design", args=["brand", design.pk]))
    assert page.context["form"]["html"].value() == html
    save(owner_client, design, html=html.replace("\n", "\r\n"))
    assert (design.html, design.version) == (html, version)


@pytest.mark.parametrize(
    ("old", "typed", "new"),
    [
        ("a\r\nb\r\n", "a\nb\n", "a\r\nb\r\n"),
        ("a\r\nb\r\n", "a\nB\n", "a\r\nB\r\n"),
        ("a\r\nb\nc\rd\r\n", "a\nb\nc\nd\n", "a\r\nb\nc\rd\r\n"),
        ("a\r\nb\nc\rd\r\n", "a\nB\nc\nd\n", "a\r\nB\nc\rd\r\n"),
        ("a\r\nb\r\nc\n", "a\nx\nb\nc\n", "a\r\nx\r\nb\r\nc\n"),
        ("a\nb", "a\nb\n", "a\nb\n"),
        ("a\r\n", "", ""),
        ("", "a\r\nb", "a\nb"),
        ("a\na\na\n", "a\na\n", "a\na\n"),
        ("a\r\na\n", "a\na\na\n", "a\r\na\na\n"),
    ],
)
def test_untouched_lines_keep_their_ends(old: str, typed: str, new: str) -> None:
    assert as_typed(old, typed) == new
    assert as_typed(old, typed.replace("\r\n", "\n").replace("\n", "\r\n")) == new


@pytest.mark.parametrize(
    ("raw", "html"),
    [
        (b"<p>a</p>\r\n<p>b</p>\n<p>c</p>\r", "<p>a</p>\r\n<p>b</p>\n<p>c</p>\r"),
        ("\ufeff<p>雁书</p>".encode(), "<p>雁书</p>"),
        ("<p>雁书寄信，八折优惠</p>".encode("gb18030"), "<p>雁书寄信，八折优惠</p>"),
    ],
)
def test_a_file_is_kept_as_it_is(
    owner_client: Client, workspace: Workspace, raw: bytes, html: str
) -> None:
    url = reverse("new_design", args=[workspace.slug])
    file = SimpleUploadedFile("mail.html", raw)
    answer = owner_client.post(url, {"name": "Mine", "html": "", "file": file})
    design = Design.objects.get()
    assert answer.headers["Location"] == reverse("design", args=["brand", design.pk])
    assert design.html == html


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"name": " "}, "Give the design a name."),
        ({"html": "x" * 500_001}, "longer than 500000 characters"),
        ({"version": "x"}, "Enter a whole number"),
    ],
)
def test_what_can_not_be_saved_gets_a_sentence(
    owner_client: Client, design: Design, typed: dict[str, str], words: str
) -> None:
    assert words in save(owner_client, design, **typed)
    assert (design.html, design.version) == ("<p>one</p>\n", 1)


def test_what_nobody_sees_and_the_database_can_not_keep_is_left_out(
    owner_client: Client, design: Design
) -> None:
    """pages.wellformed takes NUL out of every form."""
    save(owner_client, design, html="<p>\r\n\x00a", text="\x00b", subject="c\x00")
    design.refresh_from_db()
    assert (design.html, design.text, design.subject) == ("<p>\na", "b", "c")


def test_more_than_a_request_may_hold_is_refused(owner_client: Client, design: Design) -> None:
    url = reverse("save_design", args=["brand", design.pk])
    answer = owner_client.post(url, {"name": "x", "html": "x" * 3_000_000, "version": 1})
    assert answer.status_code == 400
    assert "text/html" in answer.headers["Content-Type"]


def test_nobody_saves_over_another(owner_client: Client, design: Design, owner: User) -> None:
    first = save(owner_client, design, html="<p>theirs</p>")
    assert 'data-version="2"' in first
    told = save(owner_client, design, html="<p>mine</p>", version=1)
    assert f"{owner} saved this design at" in told
    assert 'name="keep"' in told
    assert design.html == "<p>theirs</p>"


@pytest.mark.parametrize("keep", ["mine", "theirs"])
def test_after_a_conflict_both_versions_are_there(
    owner_client: Client, design: Design, keep: str
) -> None:
    save(owner_client, design, html="<p>theirs</p>")
    save(owner_client, design, html="<p>mine</p>", version=1, keep=keep)
    other = Design.objects.exclude(pk=design.pk).get()
    kept = (design.html, other.html)
    assert kept == (
        ("<p>mine</p>", "<p>theirs</p>") if keep == "mine" else ("<p>theirs</p>", "<p>mine</p>")
    )
    assert other.name.startswith("Spring (")


def test_the_same_save_twice_is_no_conflict(owner_client: Client, design: Design) -> None:
    """A save whose answer was lost comes again with the old version."""
    save(owner_client, design, html="<p>x</p>", version=1)
    assert 'data-version="2"' in save(owner_client, design, html="<p>x</p>", version=1)


def test_without_scripts_the_form_saves_too(owner_client: Client, design: Design) -> None:
    url = reverse("save_design", args=["brand", design.pk])
    typed = {"name": "Spring", "subject": "S", "html": "<p>2</p>", "version": 1}
    answer = owner_client.post(url, typed)
    assert answer.headers["Location"] == reverse("design", args=["brand", design.pk])
    refused = owner_client.post(url, typed | {"html": "<p>3</p>"})
    assert "after you opened it" in refused.content.decode()
    assert refused.context["form"]["html"].value() == "<p>3</p>"
