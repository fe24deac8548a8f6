"""A campaign watched in a browser while it really goes out, and the report it becomes."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from bounces.models import BounceMailbox
from campaigns.models import Campaign
from campaigns.services import drafts, starting
from contacts.models import Contact, List, Subscription
from demo.history import Course, live_through
from designs.models import Design
from relays.models import Relay
from sending.engine import shift
from sending.models import Mailing, Message
from sending.services import dispatch
from tests import factories
from tests.browser.looks import check, looks
from tests.chromium import DESKTOP, PHONE
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
HTML = (
    "<p>Dear {{ first_name }}</p>"
    '<a href="https://brand.example/spring?for={{ first_name|urlencode }}">Spring</a>'
    '<a href="https://brand.example/shop">Shop</a> <a href="{{ unsubscribe_url }}">leave</a>'
)
PROVIDERS = ("inbox.example", "letters.example", "xinxiang.example", "mailhaus.example")


@pytest.fixture
def relay(workspace: Workspace, sink: Sink) -> Relay:
    return factories.make_relay(
        workspace,
        name="Post",
        port=sink.port,
        connections=1,
        bounce_address=factories.BOUNCE_ADDRESS,
    )


@pytest.fixture
def start(workspace: Workspace, relay: Relay) -> Callable[..., Campaign]:
    """A campaign to so many people, started; nothing is sent yet."""

    def make(people: int, name: str = "Spring sale 春季大促", first: str = "person") -> Campaign:
        target = List.objects.create(workspace=workspace, name=f"Readers of {name}")
        made = Contact.objects.bulk_create(
            Contact(
                workspace=workspace,
                email=f"{first}{number}@{PROVIDERS[number % 7 % 4]}",
                first_name=f"Person {number}",
            )
            for number in range(people)
        )
        Subscription.objects.bulk_create(Subscription(list=target, contact=c) for c in made)
        design = Design.objects.create(workspace=workspace, name=name, html=HTML)
        draft = drafts.create(workspace, name=name)
        values = {"subject": "Hello {{ first_name }} 你好", "design": design, "lists_in": [target]}
        campaign = drafts.save(draft, values, version=draft.version)
        starting.start_now(campaign)
        starting.start_due()
        campaign.refresh_from_db()
        assert campaign.mailing is not None
        return campaign

    return make


@contextmanager
def worker() -> Iterator[None]:
    """What workers and beat do, in a thread."""
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.wait(0.1):
                if dispatch.relays_to_run():
                    shift.run_all()
                dispatch.tend_mailings()
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def mailing_of(campaign: Campaign) -> Mailing:
    assert campaign.mailing is not None
    return campaign.mailing


def figure(page: Page, code: str) -> int:
    return int(page.locator(f"#ledger-{code} .live-figure").inner_text().replace(",", ""))


def test_a_live_campaign_moves_pauses_resumes_and_finishes_without_a_reload(  # noqa: PLR0917
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    start: Callable[..., Campaign],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    campaign = start(60)
    Relay.objects.update(per_second=8)
    log_in(owner)
    page.goto(f"/w/brand/campaigns/{campaign.pk}/")
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#ledger-waiting")).to_contain_text("60")
    with worker():
        accepted = page.locator("#ledger-accepted .live-figure")
        expect(accepted).to_have_text(re.compile("[5-9]|[1-9][0-9]"))
        page.locator("#ledger-accepted").focus()
        expect(accepted).not_to_have_text(accepted.inner_text())
        expect(page.locator("#ledger-accepted")).to_be_focused()
        shot(page, "report-live")

        page.get_by_role("button", name="Pause").click()
        expect(page.locator("#live .live-state")).to_have_text("Paused")
        expect(page.get_by_role("button", name="Resume")).to_be_focused()
        expect(page.locator("#ledger-in_flight")).to_contain_text("0", timeout=10_000)
        stands = Message.objects.filter(state=Message.State.ACCEPTED).count()
        shot(page, "report-paused")
        axe(page)
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("dialog")).to_contain_text("of 60 are done")
        page.get_by_role("button", name="Keep it").click()
        assert Message.objects.filter(state=Message.State.ACCEPTED).count() == stands < 60

        Relay.objects.update(per_second=None)
        page.get_by_role("button", name="Resume").click()
        expect(page.locator("#live .live-state")).to_have_text("Finished", timeout=30_000)
    assert page.evaluate("window.sameDocument")
    assert figure(page, "accepted") == 60
    expect(page.locator("#live-said")).to_have_text("Finished: 60 of 60 done")
    assert_closes(mailing_of(campaign))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)  # longer than the poll: there is no more of them
    assert not [url for url in asked if "/live/" in url]


@pytest.fixture
def lived(start: Callable[..., Campaign], relay: Relay, workspace: Workspace) -> Campaign:
    """A workspace with a past: campaigns with everything that can come back."""
    first = start(900, "Winter letter", "winter")
    live_through(
        mailing_of(first), Course(timezone.now() - timedelta(days=41), failed=0.02, opened=0.31)
    )
    last = start(1800)
    live_through(
        mailing_of(last),
        Course(
            timezone.now() - timedelta(days=2, hours=3), pace=2.0, failed=0.02, hard_bounced=0.03
        ),
    )
    mailing = mailing_of(last)
    rows = Message.objects.filter(mailing=mailing, state=Message.State.ACCEPTED, opened_at=None)
    doubtful = [row.pk for row in rows.filter(bounced_at=None)[:3]]
    Message.objects.filter(pk__in=doubtful).update(state=Message.State.UNKNOWN, reason="in_doubt")
    tally = mailing.tally
    tally.refresh_from_db()
    tally.accepted, tally.unknown = tally.accepted - 3, 3
    tally.save()
    mailing.excluded = {"suppressed_hard_bounced": 41, "unsubscribed": 86, "excluded": 12}
    mailing.save(update_fields=["excluded"])
    assert_closes(mailing)
    return last


def test_report_and_recipients_in_every_look(  # noqa: PLR0917
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    lived: Campaign,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    for look in looks(page, speak):
        page.goto(f"/w/brand/campaigns/{lived.pk}/")
        expect(page.locator("#links table, #links .muted")).to_be_visible()
        expect(page.locator("#failures table")).to_be_visible()
        expect(page.locator("#bounces table")).to_be_visible()
        expect(page.locator("#domains tbody tr")).to_have_count(4)
        expect(page.locator(".uplot")).to_have_count(2)
        check(page, f"report-{look}", axe=axe, shot=shot)
        page.goto(f"/w/brand/campaigns/{lived.pk}/recipients/?state=failed&domain=inbox.example")
        expect(page.locator("tbody tr").first).to_be_visible()
        check(page, f"recipients-{look}", axe=axe, shot=shot)
        page.goto(f"/w/brand/campaigns/{lived.pk}/recipients/?state=unknown")
        expect(page.locator("tbody tr")).to_have_count(3)
        axe(page)
        shot(page, f"recipients-unknown-{look}")


def test_home_with_a_past_in_every_look(  # noqa: PLR0917
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    lived: Campaign,
    start: Callable[..., Campaign],
    relay: Relay,
    workspace: Workspace,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    start(40, "Weekly letter", "weekly")
    draft = drafts.duplicate(lived)
    starting.schedule(draft, at=timezone.now() + timedelta(days=1), timezone="Asia/Shanghai")
    Relay.objects.create(
        workspace=workspace,
        name="SES",
        host="relay.example",
        state=Relay.State.STOPPED,
        state_reason="login",
        state_words="535 5.7.8 Authentication failed",
    )
    BounceMailbox.objects.create(
        workspace=workspace,
        name="Returns",
        host="imap.example",
        error="login",
        error_words="NO [AUTHENTICATIONFAILED]",
    )
    log_in(owner)
    for look in looks(page, speak):
        page.goto("/w/brand/")
        expect(page.locator(".uplot")).to_have_count(1)
        check(page, f"home-lived-{look}", axe=axe, shot=shot)


def test_unknown_messages_are_settled_after_a_question(
    page: Page, owner: User, log_in: Callable[[User], None], lived: Campaign
) -> None:
    log_in(owner)
    page.set_viewport_size({"width": PHONE[0], "height": DESKTOP[1]})
    page.goto(f"/w/brand/campaigns/{lived.pk}/")
    page.get_by_role("button", name="Count all 3 as sent").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("3 messages will count as accepted")
    dialog.get_by_role("button", name="Count as sent").click()
    expect(page.locator(".note")).to_contain_text("3 messages count as sent.")
    expect(page.locator("#ledger-unknown")).to_contain_text("0")
    assert_closes(mailing_of(lived))


def test_failed_recipients_are_tried_again_after_a_question(  # noqa: PLR0917
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    lived: Campaign,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    failed = mailing_of(lived).tally.failed
    for look in looks(page, speak):
        page.goto(f"/w/brand/campaigns/{lived.pk}/")
        page.locator("#failures form button").first.click()
        expect(page.locator("form.card li")).to_have_count(3)
        check(page, f"retry-{look}", axe=axe, shot=shot)
    speak("en")
    page.goto(f"/w/brand/campaigns/{lived.pk}/")
    page.get_by_role("button", name="all that failed").click()
    page.get_by_role("button", name=f"Try {failed} again").click()
    expect(page.locator(".note")).to_contain_text(f"{failed} recipients are tried again.")
    expect(page.locator("#ledger-waiting")).to_contain_text(str(failed))
    assert_closes(mailing_of(lived))
