"""What is typed just before a tab is closed is saved, and never over what somebody else saved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Dialog, Page, expect

from accounts.models import User, Workspace
from campaigns.models import Campaign
from campaigns.services import drafts
from designs import services
from designs.models import Design

HERE = "/w/brand/"


@pytest.fixture
def design(workspace: Workspace) -> Design:
    return Design.objects.create(workspace=workspace, name="Spring", subject="Old", html="<p>x</p>")


@pytest.fixture
def inside(page: Page, owner: User, workspace: Workspace, log_in: Callable[[User], None]) -> Page:
    log_in(owner)
    return page


@contextmanager
def asked(page: Page) -> Iterator[list[str]]:
    """What the browser asked when the page was closed."""
    said: list[str] = []

    def answer(dialog: Dialog) -> None:
        said.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    yield said


def close(page: Page, context: BrowserContext) -> list[str]:
    """As somebody closes a tab; another page waits until all is over."""
    with asked(page) as said:
        page.close(run_before_unload=True)
        other = context.new_page()
        other.goto(HERE)
        expect(other.locator("h1")).to_be_visible()
    return said


def test_a_design(inside: Page, context: BrowserContext, design: Design) -> None:
    inside.goto(f"{HERE}designs/{design.pk}/")
    inside.locator("#id_subject").fill("Typed last")
    assert close(inside, context) == []
    design.refresh_from_db()
    assert design.subject == "Typed last"
    again = context.new_page()
    again.goto(f"{HERE}designs/{design.pk}/")
    expect(again.locator("#id_subject")).to_have_value("Typed last")
    expect(again.locator(".draft-note")).to_have_count(0)


def test_a_campaign(
    inside: Page, context: BrowserContext, workspace: Workspace, owner: User
) -> None:
    campaign = drafts.create(workspace, name="Sale", by=owner)
    inside.goto(f"{HERE}campaigns/{campaign.pk}/?open=subject")
    inside.locator("#id_subject").fill("Typed last")
    assert close(inside, context) == []
    assert Campaign.objects.get(pk=campaign.pk).subject == "Typed last"


def test_somebody_elses_version_stays(
    inside: Page, context: BrowserContext, design: Design, owner: User
) -> None:
    inside.goto(f"{HERE}designs/{design.pk}/")
    other = services.draft_of(design)
    services.save(design, replace(other, subject="Theirs"), version=1, by=owner)
    inside.locator("#id_subject").fill("Mine")
    close(inside, context)
    design.refresh_from_db()
    assert design.subject == "Theirs"
    # What was typed is still in this browser.
    again = context.new_page()
    again.goto(f"{HERE}designs/{design.pk}/")
    expect(again.locator("#id_subject")).to_have_value("Mine")
    expect(again.locator(".draft-note")).to_be_visible()


def test_what_is_wrong_is_asked_about(
    inside: Page, context: BrowserContext, workspace: Workspace, owner: User
) -> None:
    campaign = drafts.create(workspace, name="Sale", by=owner)
    inside.goto(f"{HERE}campaigns/{campaign.pk}/?open=from")
    inside.locator("#id_from_email").fill("news@")
    expect(inside.locator("#id_from_email_error")).not_to_be_empty()
    assert close(inside, context) == ["beforeunload"]


def _save(client: Client, design: Design, subject: str, editor: str) -> str:
    """A save of the page that was opened with version 1."""
    data = {"name": "Spring", "subject": subject, "preheader": "", "html": "<p>x</p>", "text": ""}
    answer = client.post(
        f"{HERE}designs/{design.pk}/save/",
        data | {"version": "1"},
        headers={"HX-Request": "true", "X-Editor": editor},
    )
    design.refresh_from_db()
    return answer.content.decode()


def test_saves_of_one_page_follow_each_other(owner_client: Client, design: Design) -> None:
    _save(owner_client, design, "First", "aaaaaaaa.1")
    assert "data-version" in _save(owner_client, design, "Second", "aaaaaaaa.2")
    assert design.subject == "Second"


def test_a_save_that_arrives_late_changes_nothing(owner_client: Client, design: Design) -> None:
    _save(owner_client, design, "Last", "aaaaaaaa.2")
    _save(owner_client, design, "Late", "aaaaaaaa.1")
    assert design.subject == "Last"


def test_another_page_is_a_conflict(owner_client: Client, design: Design) -> None:
    _save(owner_client, design, "Theirs", "aaaaaaaa.1")
    assert "data-choice" in _save(owner_client, design, "Mine", "bbbbbbbb.1")
    assert design.subject == "Theirs"
