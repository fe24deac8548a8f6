"""What a run of refusals holds, seen and decided in a browser."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from accounts.models import User
from campaigns.models import Campaign
from sending.engine import shift
from sending.models import Hold
from sending.services import dispatch
from tests.browser.looks import check, looks
from tests.browser.test_report import relay, start
from tests.mailservers.sink import Sink

__all__ = ["relay", "start"]
pytestmark = pytest.mark.django_db(transaction=True)


def send() -> None:
    """As workers would; in a thread, as the browser's loop runs in this one."""

    def work() -> None:
        try:
            for _ in range(10):
                if not dispatch.relays_to_run():
                    break
                shift.run_all()
            dispatch.tend_mailings()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


@pytest.fixture
def held(start: Callable[..., Campaign], sink: Sink) -> Campaign:
    """One of four domains refuses all of it."""
    sink.offers = [b"PIPELINING"]
    sink.answer = lambda address: (
        b"550 Mail content denied\r\n" if address.endswith("@letters.example") else None
    )
    campaign = start(200)
    send()
    return campaign


def test_taking_back_what_a_provider_refused(
    held: Campaign, sink: Sink, page: Page, log_in: Callable[[User], None], owner: User
) -> None:
    log_in(owner)
    page.goto(f"/w/brand/campaigns/{held.pk}/")
    expect(page.get_by_role("heading", name="letters.example is held")).to_be_visible()
    sink.answer = lambda _: None
    page.get_by_role("button", name="Drop the rest").first.click()
    expect(page.get_by_role("dialog")).to_contain_text("people who still wait there get no mail")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("people who were refused are tried again.")).to_be_visible()
    send()
    page.reload()
    expect(page.locator("#runs")).to_be_hidden()
    assert set(sink.accepted.values()) == {1}
    assert len(sink.accepted) == 200


def test_it_reads_well(  # noqa: PLR0917
    held: Campaign,
    start: Callable[..., Campaign],
    sink: Sink,
    page: Page,
    log_in: Callable[[User], None],
    owner: User,
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    """A held domain and a stopped relay: both languages, light and dark, wide and narrow."""
    sink.answer = lambda address: f"550 Invalid recipient: <{address}>\r\n".encode()
    stopped = start(100, name="Autumn sale", first="other")
    # Nothing was taken lately.
    held.mailing.relay.minutes.all().delete()  # type: ignore[union-attr]
    send()
    assert Hold.objects.filter(kind=Hold.Kind.RELAY).exists()
    log_in(owner)
    for look in looks(page, speak):
        for name, campaign in (("held", held), ("stopped", stopped)):
            page.goto(f"/w/brand/campaigns/{campaign.pk}/")
            expect(page.locator("#runs .card-title")).to_be_visible()
            check(page, f"runs-{name}-{look}", axe=axe, shot=shot)
    page.goto("/w/brand/")
    shot(page, "runs-home")
