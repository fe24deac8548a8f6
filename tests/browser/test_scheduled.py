"""Imports from an address in a browser."""

from collections.abc import Callable
from datetime import time, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Import
from contacts.scheduledmodels import ScheduledImport, ScheduledRun
from contacts.services import importuploads
from tests.browser import looks
from tests.contacts.fileservers import PEOPLE

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB7o4hWkTqAlnzC9KfPSrRdTSSCwUnJB5mEoNFgdVx4h"


@pytest.fixture
def schedule(workspace: Workspace, owner: User) -> ScheduledImport:
    """With a file that waits, and a server whose key has changed."""
    made = ScheduledImport.objects.create(
        workspace=workspace,
        name="Shop",
        url="sftp://files.example.com/out/contacts.csv",
        login="key",
        username="ann",
        host_key=KEY,
        shown_key=KEY.replace("B7o4", "B7o5"),
        every="day",
        at=time(5),
        state="active",
        next_at=timezone.now() + timedelta(hours=3),
        failures=1,
    )
    waits = importuploads.receive(
        workspace, filename="contacts.csv", pieces=[PEOPLE], by=owner, limit=1 << 20
    )
    done = Import.objects.create(
        workspace=workspace,
        filename="contacts.csv",
        state="finished",
        counts={"new": 40, "updated": 1200, "rejected": 3},
    )
    for state, import_, reasons in (
        ("taken", done, []),
        ("same_file", None, []),
        ("failed", None, [["status", "503 Service Unavailable: the night run is not over"]]),
        ("asking", waits, [["header", "+ phone · − name"], ["shrank", "36%"]]),
    ):
        ScheduledRun.objects.create(
            schedule=made, state=state, of_import=import_, reasons=reasons, size=81_920
        )
    return made


@pytest.fixture
def fetched_now(workspace: Workspace, owner: User) -> ScheduledRun:
    """A file that is being fetched; the fetch before has failed."""
    made = ScheduledImport.objects.create(
        workspace=workspace,
        name="CRM",
        url="https://crm.example.com/out/contacts.csv",
        query=b"encrypted",
        every="hour",
        at=time(5),
        failures=1,
    )
    ScheduledRun.objects.create(schedule=made, state="failed", reasons=[["pace", ""]])
    soon = timezone.now() + timedelta(minutes=5)
    return ScheduledRun.objects.create(
        schedule=made, asked_by=owner, size=12_345_678, leased_until=soon, holder="worker"
    )


def test_looks(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    schedule: ScheduledImport,
    fetched_now: ScheduledRun,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    waits = Import.objects.get(state="ready")
    for look in looks.looks(page, speak):
        for name, path in (
            ("scheduled-list", "imports/scheduled/"),
            ("scheduled-page", f"imports/scheduled/{schedule.pk}/"),
            ("scheduled-now", f"imports/scheduled/{fetched_now.schedule_id}/"),
            ("scheduled-form", f"imports/scheduled/{schedule.pk}/edit/"),
            ("scheduled-file", f"imports/{waits.pk}/"),
        ):
            page.goto(f"/w/brand/{path}")
            expect(page.locator("h1")).to_be_visible()
            looks.check(page, f"{name}-{look}", axe=axe, shot=shot)


def test_the_page_follows_a_fetch_to_its_file(
    page: Page,
    owner: User,
    workspace: Workspace,
    fetched_now: ScheduledRun,
    log_in: Callable[[User], None],
) -> None:
    log_in(owner)
    page.goto(f"/w/brand/imports/scheduled/{fetched_now.schedule_id}/")
    expect(page.locator("#progress")).to_contain_text("11.8")
    ScheduledRun.objects.filter(pk=fetched_now.pk).update(size=50_000_000)
    expect(page.locator("#progress")).to_contain_text("47.7")
    file = importuploads.receive(
        workspace, filename="contacts.csv", pieces=[PEOPLE], by=owner, limit=1 << 20
    )
    ScheduledRun.objects.filter(pk=fetched_now.pk).update(state="asking", of_import=file)
    page.wait_for_url(f"**/w/brand/imports/{file.pk}/")
    expect(page.locator("#fetched")).to_contain_text("CRM")


def test_the_form_asks_for_what_is_needed(
    page: Page, owner: User, workspace: Workspace, log_in: Callable[[User], None]
) -> None:
    log_in(owner)
    page.goto("/w/brand/imports/")
    page.get_by_role("link", name="From an address").click()
    page.get_by_role("link", name="Import from an address").first.click()
    expect(page.get_by_label("User", exact=True)).to_be_hidden()
    page.get_by_label("Log-in").select_option("key")
    expect(page.get_by_label("Private key")).to_be_visible()
    expect(page.get_by_label("Password or token")).to_be_hidden()
    page.get_by_label("How often it is fetched").select_option("week")
    expect(page.get_by_label("Day of the week")).to_be_visible()
    page.get_by_label("Name").fill("Shop")
    page.get_by_label("Address of the file").fill("http://shop.example.com/a.csv")
    page.get_by_role("button", name="Fetch the file").click()
    problems = page.locator("[data-problems]")
    expect(problems).to_contain_text("The address must begin with https:// or sftp://.")
    expect(problems).to_contain_text("Enter the user.")
    expect(page.get_by_label("Name")).to_have_value("Shop")
