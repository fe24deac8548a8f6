"""Suppressions in a browser: a pattern is confirmed, a file is checked, the question why no mail
goes out, and their pages in both languages and at both widths."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import suppressionfiles
from contacts.services import suppressions as service
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import Entry
from tests.browser import looks
from tests.factories import make_list

EMAIL = "noreply@mail.brand.example"
FILE = (
    "value,reason,until\na@x.example,Hard bounce,2096-03-03\nb.example,gray list,\n"
    "*@*.c.example,,\nnobody at all,,\n"
)


@pytest.fixture
def scene(workspace: Workspace, owner: User, log_in: Callable[[User], None]) -> Workspace:
    """A contact that is suppressed in every way."""
    make_list(workspace, [EMAIL, "ann@x.example"])
    owner.can_create_workspaces = True
    owner.save()
    until = timezone.now() + timedelta(days=90)
    wanted = [
        Wanted(Entry("address", EMAIL), "complained", None, "Called on Monday: never again"),
        Wanted(Entry("domain", "mail.brand.example"), "manual", until),
        Wanted(Entry("pattern", "noreply*@*")),
    ]
    service.add(workspace, wanted, source=BY_HAND, detail="Asked by phone", by=owner)
    service.suppress_addresses(
        workspace,
        [(EMAIL, "452 4.2.2 The mailbox is full")],
        reason="soft_bounced",
        source=Source("campaign", 7),
        until=until,
    )
    service.add(None, [Wanted(Entry("domain", "mail.brand.example"))], source=BY_HAND, by=owner)
    service.add_erased(workspace, "gone@x.example", source=BY_HAND, by=owner)
    log_in(owner)
    return workspace


def test_pages_of_suppressions(  # noqa: PLR0917 - fixtures
    page: Page,
    site: str,
    scene: Workspace,
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    one = Suppression.objects.get(kind="pattern")
    file = suppressionfiles.receive(scene, name="stop.csv", data=FILE.encode(), by=None)
    for look in looks.looks(page, speak):
        for name, path in (
            ("suppressions", "w/brand/suppressions/"),
            ("suppression", f"w/brand/suppressions/{one.pk}/"),
            ("why-no-mail", f"w/brand/suppressions/why/?q={EMAIL}"),
            ("suppressions-import", "w/brand/suppressions/import/"),
            ("suppressions-check", f"w/brand/suppressions/import/{file.pk}/"),
            ("installation", "installation/suppressions/"),
        ):
            page.goto(f"{site}/{path}")
            looks.check(page, f"{name}-{look}", axe=axe, shot=shot)


def test_a_pattern_is_shown_with_its_matches_before_it_is_saved(
    page: Page, site: str, scene: Workspace
) -> None:
    page.goto(site + reverse("add_suppressions", args=["brand"]))
    page.get_by_label("Addresses, domains and patterns").fill("ann*@*")
    page.get_by_role("button", name="Suppress these").click()
    expect(page.get_by_role("cell", name="1 of 2")).to_be_visible()
    page.get_by_role("button", name="Suppress these, patterns too").click()
    expect(page.get_by_text("1 suppression added.")).to_be_visible()
    page.get_by_role("textbox", name="Why can't I mail this person?").fill("ann@x.example")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Addresses like ann*@* get no mail.")).to_be_visible()
