"""Previews have an end, and few are drawn at once."""

import threading
from collections.abc import Iterator

import pytest
from django.test import Client
from django.utils.translation import trans_real

from accounts.models import Workspace
from designs import checks, foreign, fuel, places, plaintext, rendering, services
from designs.checks import MailSource
from designs.places import MOST_WAITING, MOST_WAITING_OF_ONE, BusyError, Places
from designs.previews import framed, render_preview
from designs.rendering import RenderError
from designs.services import Draft

HOSTILE = "{% for i in range(10000) %}{% set a = email ~ i %}{% endfor %}" * 3


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Iterator[Places]:
    """Somebody of the workspace is at it already, and nobody waits for long."""
    monkeypatch.setattr(places, "LONGEST_WAIT", 0.01)
    places.PLACES.working.add(workspace.pk)
    yield places.PLACES
    places.PLACES.working.discard(workspace.pk)


def test_only_so_many_wait_and_the_others_are_told_at_once() -> None:
    here, begun, end = Places(), threading.Semaphore(0), threading.Event()
    results: list[str] = []

    def draw(workspace: int) -> None:
        try:
            with here.one(workspace):
                begun.release()
                end.wait(10)
                results.append("drawn")
        except BusyError:
            results.append("busy")

    threads = [threading.Thread(target=draw, args=(1,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.acquire()
    # One draws, three wait; the others were told and hold no thread.
    for thread in threads:
        thread.join(0.01)
    while results.count("busy") < 8 - 1 - MOST_WAITING_OF_ONE:
        threading.Event().wait(0.01)
    assert here.waiting[1] <= MOST_WAITING_OF_ONE <= MOST_WAITING
    # Another workspace has a place of its own.
    other = threading.Thread(target=draw, args=(2,))
    other.start()
    begun.acquire()
    assert here.working == {1, 2}
    end.set()
    for thread in (*threads, other):
        thread.join()
    assert results.count("drawn") + results.count("busy") == 9
    assert not here.working


@pytest.mark.django_db
def test_a_preview_says_that_others_are_drawn(full: Places, workspace: Workspace) -> None:
    preview = render_preview(workspace, subject="x", html="<p>x</p>")
    assert [problem.code for problem in preview.problems] == ["busy"]
    shown = framed(preview, "html", images=False)
    assert "Many mails are being rendered right now. Try again in a moment." in shown
    assert "data-busy" in shown


@pytest.mark.django_db
def test_a_preview_ends_when_its_time_is_up(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "LONGEST_WORK", -1)
    preview = render_preview(workspace, subject="x", html=HOSTILE)
    assert [problem.code for problem in preview.problems] == ["time"]
    assert "takes too long to render" in framed(preview, "text", images=False)
    assert not places.PLACES.working


@pytest.mark.django_db
def test_eight_previews_of_a_viewer_spend_no_more_than_they_may(
    workspace: Workspace, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a preview of four hostile parts burns."""
    burnt: list[fuel.Fuel] = []

    class Kept(fuel.Fuel):
        def __init__(self) -> None:
            super().__init__()
            burnt.append(self)

    monkeypatch.setattr(fuel, "Fuel", Kept)
    design = services.create(workspace, Draft(name="d"))
    typed = dict.fromkeys(("subject", "preheader", "html", "text"), HOSTILE)
    answer = owner_client.post(f"/w/{workspace.slug}/designs/{design.pk}/preview/", typed)
    assert answer.status_code == 200
    assert sum(fuel.FUEL - one.left for one in burnt) <= 4 * fuel.FUEL + 100_000


@pytest.mark.parametrize("piece", ["<div>", "<b>", "<p>x", "</p>", '<a href="http://x.example">y'])
def test_a_mail_of_very_many_tags_is_not_read_at_all(
    piece: str, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each was read several times before a clock was looked at."""

    def read(*_given: object, **_more: object) -> str:
        raise AssertionError

    html = piece * (rendering.MOST_ELEMENTS + 1)
    monkeypatch.setattr(plaintext, "from_html", read)
    monkeypatch.setattr(foreign, "find", read)
    preview = render_preview(workspace, subject="x", html=html)
    assert [problem.part for problem in preview.problems] == ["html"]
    assert "more than 10000 tags" in framed(preview, "html", images=False)
    assert "more than 10000 tags" in framed(preview, "text", images=False)
    assert checks.check(MailSource(subject="x", html=html), fields=()) == preview.problems
    assert checks.used_values(MailSource(subject="x", html=html)) == set()
    with pytest.raises(RenderError, match="more than 10000 tags"):
        services.compile_parts(subject="x", preheader="", html=html, text="", track_clicks=True)
    longer = MailSource(subject="x", html="y" * 500_001)
    assert [one.text for one in checks.check(longer, fields=())] == [
        "This is longer than 500000 characters."
    ]


def test_a_large_mail_is_read(workspace: Workspace) -> None:
    html = "<p>x</p>" * (rendering.MOST_ELEMENTS // 2)
    preview = render_preview(workspace, subject="x", html=html)
    assert preview.html == html
    services.compile_parts(subject="x", preheader="p", html=html, text="", track_clicks=True)


def test_the_editor_opens_with_a_mail_that_is_too_large(
    owner_client: Client, workspace: Workspace
) -> None:
    html = "<div>" * (rendering.MOST_ELEMENTS + 1)
    design = services.create(workspace, Draft(name="d", subject="x", html=html))
    page = owner_client.get(f"/w/{workspace.slug}/designs/{design.pk}/")
    assert page.status_code == 200
    assert "more than 10000 tags" in page.content.decode()


def test_words_about_links_are_looked_up_only_where_they_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All ten were, for each link: half of the time of a preview with many."""
    looked_up: list[str] = []
    found = trans_real.gettext

    def counting(text: str) -> str:
        looked_up.append(text)
        return found(text)

    monkeypatch.setattr("django.utils.translation._trans.gettext", counting)
    html = '<a href="http://x.example/">y</a>' * 500
    problems = checks.check(MailSource(subject="x", html=html), fields=())
    assert sum(problem.code == "insecure_link" for problem in problems) == 21
    assert len(looked_up) < 2 * 500
