"""A newcomer composes a campaign from nothing, schedules it and takes it back."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from accounts.models import User, Workspace
from campaigns.models import Campaign
from contacts.models import Contact, List, Subscription, Suppression
from contacts.queries import segmentsizes
from designs.models import Design
from relays.models import Relay
from tests.browser.looks import check, looks
from tests.chromium import DESKTOP, PHONE
from tests.contacts.segments.scene import make_segment, when

Check = Callable[[Page], None]
Shot = Callable[[Page, str], None]
HTML = (
    '<html><head><title>Spring</title></head><body style="margin:0;font-family:sans-serif">'
    '<h1 style="background:#1b6670;color:#fff;margin:0;padding:32px">Spring 春季新品</h1>'
    "<p style='padding:0 32px'>Dear {{ first_name|default('reader') }} from {{ city }}, here is"
    ' what is new. <a href="https://brand.example/spring">Look around</a></p>'
    "<p style='padding:0 32px'>{{ workspace.address }} · "
    '<a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>'
)


@pytest.fixture
def ready(workspace: Workspace) -> Workspace:
    """A workspace with people, lists, designs and relays."""
    workspace.attributes.create(key="city", label="City")
    people = Contact.objects.bulk_create(
        Contact(
            workspace=workspace,
            email=f"person{n}@reader.example",
            first_name="" if n % 9 == 0 else "Lan",
            attributes={} if n % 4 == 0 else {"city": "Suzhou"},
        )
        for n in range(120)
    )
    newsletter = List.objects.create(workspace=workspace, name="Newsletter (en)")
    bought = List.objects.create(workspace=workspace, name="Bought last week")
    List.objects.create(workspace=workspace, name="Trade fair 2025")
    Subscription.objects.bulk_create(
        Subscription(
            list=newsletter, contact=one, status="unsubscribed" if n % 20 == 1 else "subscribed"
        )
        for n, one in enumerate(people)
    )
    Subscription.objects.bulk_create(Subscription(list=bought, contact=p) for p in people[100:])
    Suppression.objects.create(
        workspace=workspace, kind="address", value=people[5].email, reason="hard_bounced"
    )
    for name in ("Spring v7", "Winter sale", "Welcome"):
        Design.objects.create(workspace=workspace, name=name, subject=f"{name} 春季", html=HTML)
    for name, sandbox in (("Post", False), ("Sandbox", True)):
        Relay.objects.create(
            workspace=workspace,
            name=name,
            host="127.0.0.1",
            port=1,
            managed_by="sandbox" if sandbox else "",
            delivers=not sandbox,
            per_second=14,
            per_day=50000,
            tested_at=timezone.now(),
        )
    return workspace


def saved(page: Page) -> None:
    """The last save has come back."""
    expect(page.locator(".composer form[data-dirty]")).to_have_count(0)


def choose_people(page: Page) -> None:
    rail = page.locator("#rail")
    expect(rail).to_contain_text("Choose at least one list or segment")
    page.locator("#to").get_by_label("Newsletter (en)").first.check()
    expect(rail).to_contain_text("113 people get it")
    page.get_by_text("Leave people out").click()
    page.get_by_role("group", name="But not to contacts on these lists").get_by_label(
        "Bought last week"
    ).check()
    expect(rail).to_contain_text("94 people get it")
    expect(page.locator("#head-to")).to_contain_text("Newsletter (en), without Bought last week")
    rail.get_by_text("why").click()
    expect(rail).to_contain_text("Suppressed after a hard bounce")


def choose_design(page: Page) -> None:
    page.locator("#content > summary").click()
    page.get_by_label("Spring v7").check()
    expect(page.locator("#head-content")).to_contain_text("Spring v7")
    # The design proposes its subject.
    expect(page.locator("#head-subject")).to_contain_text("Spring v7 春季")


def write_subject(page: Page) -> None:
    page.locator("#subject > summary").click()
    page.locator("#id_subject").fill("Hello ")
    page.get_by_label("Insert a merge field").select_option(label="First name · first_name")
    expect(page.locator("#id_subject")).to_have_value('Hello {{ first_name|default("friend") }}')
    page.locator("#id_subject").fill("Hello {{ first_name }}")
    expect(page.locator("#inbox .composer-wide")).to_contain_text("Hello")
    expect(page.locator("#rail")).to_contain_text("have no first_name, and there is no default")
    page.locator("#id_preheader").fill("A few new things 一些新品")
    expect(page.locator("#inbox .composer-narrow")).to_contain_text("A few new things 一些新品")


def mistype_the_sender(page: Page) -> None:
    """Said beside the field, kept, and unsaved until it is right."""
    page.locator("#from > summary").click()
    page.locator("#id_from_email").fill("news@")
    expect(page.locator("#id_from_email_error")).not_to_be_empty()
    expect(page.locator("#id_from_email")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#from form")).to_have_attribute("data-dirty", "1")
    page.locator("#id_from_email").fill("news@brand.example")
    expect(page.locator("#id_from_email_error")).to_be_empty()


def propose_a_test(page: Page, axe: Check) -> None:
    """The test send opens over the page, with the campaign's sender."""
    page.locator("#content").get_by_role("button", name="Send test").click()
    dialog = page.get_by_role("dialog", name="Send a test")
    expect(dialog.get_by_label("Sender address")).to_have_value("news@brand.example")
    axe(page)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        dialog.get_by_role("button", name="Send test").click()
    assert "Hello {{ first_name }}" in (sent.value.post_data or "")
    expect(dialog).to_contain_text("owner@brand.example")
    # The answer has taken the form's place, and its buttons.
    expect(dialog.get_by_role("button", name="Send again")).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def choose_time(page: Page) -> None:
    page.locator("#when > summary").click()
    page.get_by_label("At a date and time").check()
    day = timezone.now().date() + timedelta(days=2)
    page.get_by_label("Date", exact=True).fill(day.isoformat())
    page.get_by_label("Time", exact=True).fill("09:00")
    page.locator("#id_timezone").fill("shanghai")
    expect(page.locator("#said")).to_contain_text("01:00 UTC")
    expect(page.locator("#head-when")).to_contain_text("09:00 (Asia/Shanghai)")


def look(page: Page, name: str, axe: Check, shot: Shot) -> None:
    """At both widths."""
    for width, height in (PHONE, DESKTOP):
        page.set_viewport_size({"width": width, "height": height})
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not page.evaluate(wide), f"{page.url} is wider than {width}"
        axe(page)
        shot(page, f"{name}-{width}")


def test_compose_and_schedule(  # noqa: PLR0917 - fixtures
    ready: Workspace,
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    axe: Check,
    shot: Shot,
) -> None:
    log_in(owner)
    campaigns = reverse("campaigns", args=[ready.slug])
    page.goto(campaigns)
    look(page, "campaigns-empty", axe, shot)
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name").fill("Spring sale 春季大促")
    page.get_by_role("button", name="Create campaign").click()
    choose_people(page)
    choose_design(page)
    write_subject(page)
    mistype_the_sender(page)
    propose_a_test(page, axe)
    choose_time(page)
    page.locator("#route > summary").click()
    saved(page)
    look(page, "composer", axe, shot)

    # Left and resumed.
    page.reload()
    expect(page.locator("#head-when")).to_contain_text("09:00 (Asia/Shanghai)")
    expect(page.locator("#id_subject")).to_have_value("Hello {{ first_name }}")

    page.get_by_role("link", name="Review and schedule").click()
    expect(page.locator("iframe.preview-frame")).to_be_visible()
    look(page, "review-schedule", axe, shot)
    page.get_by_role("button", name=re.compile(r"Schedule for .* 09:00 .Asia.Shanghai.")).click()
    expect(page.get_by_role("button", name="Back to draft")).to_be_visible()
    assert Campaign.objects.get().state == "scheduled"
    look(page, "scheduled", axe, shot)
    page.goto(campaigns)
    look(page, "campaigns", axe, shot)
    page.get_by_role("link", name="Spring sale 春季大促").click()
    page.get_by_role("button", name="Back to draft").click()
    expect(page.locator("#composer")).to_be_visible()
    assert Campaign.objects.get().state == "draft"


def test_send_now_asks_once(  # noqa: PLR0917 - fixtures
    ready: Workspace,
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    axe: Check,
    shot: Shot,
) -> None:
    campaign = Campaign.objects.create(
        workspace=ready,
        name="Now",
        subject="Hello",
        from_email="news@brand.example",
        design=Design.objects.first(),
        relay=Relay.objects.first(),
    )
    campaign.lists_in.set(List.objects.filter(name="Newsletter (en)"))
    log_in(owner)
    page.goto(reverse("review_campaign", args=[ready.slug, campaign.pk]))
    page.get_by_role("button", name="Send to 113 now").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Send to 113 people now?")
    axe(page)
    shot(page, "send-now")
    dialog.get_by_role("button", name="Send to 113 now").click()
    expect(page.get_by_text("Starting")).to_be_visible()
    campaign.refresh_from_db()
    assert campaign.state == "scheduled"
    assert campaign.scheduled_at is None


@pytest.fixture
def campaign(ready: Workspace) -> Campaign:
    """Everything is chosen; it is to go out on a day in two months."""
    made = Campaign.objects.create(
        workspace=ready,
        name="Spring sale 春季大促",
        subject="{{ first_name|default('你好') }}，春季新品到了",
        preheader="A few new things 一些新品",
        from_name="Yan",
        from_email="yan@brand.example",
        design=Design.objects.first(),
        relay=Relay.objects.first(),
        scheduled_at=timezone.now() + timedelta(days=60),
        timezone="Asia/Shanghai",
    )
    made.lists_in.set(List.objects.filter(name="Newsletter (en)"))
    return made


def test_in_chinese_and_in_the_dark(  # noqa: PLR0917 - fixtures
    campaign: Campaign,
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Check,
    shot: Shot,
) -> None:
    log_in(owner)
    speak("zh-hans")
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    place = [campaign.workspace.slug, campaign.pk]
    page.goto(reverse("campaign", args=place))
    for section in page.locator("details.composer-section > summary").all():
        section.click()
    expect(page.locator("#rail")).to_contain_text("准备就绪")
    look(page, "composer-zh-dark", axe, shot)
    page.goto(reverse("review_campaign", args=place))
    expect(page.get_by_role("button", name="定于")).to_be_visible()
    look(page, "review-zh-dark", axe, shot)
    Campaign.objects.update(state="scheduled", scheduled_at=timezone.now())
    page.goto(reverse("campaign", args=place))
    expect(page.get_by_text("正在开始")).to_be_visible()
    look(page, "starting-zh-dark", axe, shot)


def test_segments_with_their_sizes(  # noqa: PLR0917 - fixtures
    ready: Workspace,
    page: Page,
    owner: User,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Check,
    shot: Shot,
) -> None:
    gone = List.objects.create(workspace=ready, name="Gone")
    never = when("list", str(gone.pk), "never")
    counted = make_segment(ready, when("person", "first_name", "filled"), name="有名字的联系人")
    segmentsizes.keep(counted, 12_345)
    make_segment(ready, when("person", "first_name", "blank"), name="Without a name")
    make_segment(ready, never, name="Was never on the list of last year's trade fair in Hamburg")
    gone.delete()
    campaign = Campaign.objects.create(workspace=ready, name="Spring")
    log_in(owner)
    for one in looks(page, speak):
        page.goto(reverse("campaign", args=[ready.slug, campaign.pk]))
        for part in ("#to", "#left-out"):
            page.locator(part).evaluate("(part) => (part.open = true)")
        expect(page.locator("#to")).to_contain_text("12,345")
        expect(page.locator("#to input[name=segments_in]")).to_have_count(2)
        check(page, f"composer-segments-{one}", axe=axe, shot=shot)


def test_two_tabs_are_told(
    ready: Workspace, page: Page, owner: User, log_in: Callable[[User], None]
) -> None:
    campaign = Campaign.objects.create(workspace=ready, name="Two tabs")
    log_in(owner)
    page.goto(reverse("campaign", args=[ready.slug, campaign.pk]))
    Campaign.objects.update(version=2, subject="Theirs")
    page.locator("#subject > summary").click()
    page.locator("#id_subject").fill("Mine")
    expect(page.locator("#conflict")).to_contain_text("after you opened it")
    expect(page.locator("#id_subject")).to_have_value("Mine")
    page.get_by_role("button", name="Save mine over it").click()
    expect(page.locator("#conflict")).to_be_empty()
    campaign.refresh_from_db()
    assert campaign.subject == "Mine"


def test_a_click_counts_while_a_save_changes_what_is_under_it(
    ready: Workspace, page: Page, owner: User, log_in: Callable[[User], None]
) -> None:
    campaign = Campaign.objects.create(workspace=ready, name="Quick")
    log_in(owner)
    page.goto(reverse("campaign", args=[ready.slug, campaign.pk]))
    page.locator("#head-from .composer-title").hover(force=True)
    page.mouse.down()
    page.evaluate(
        "() => { const head = document.getElementById('head-from');"
        " head.replaceWith(head.cloneNode(true)); }"
    )
    page.mouse.up()
    expect(page.locator("#id_from_email")).to_be_visible()


def test_without_script(
    ready: Workspace,
    page: Page,
    site: str,
    *,
    owner: User,
    log_in: Callable[[User], None],
    new_context: Callable[..., BrowserContext],
) -> None:
    campaign = Campaign.objects.create(workspace=ready, name="Plain")
    log_in(owner)
    plain = new_context(java_script_enabled=False, storage_state=page.context.storage_state())
    tab = plain.new_page()

    tab.goto(f"{site}{reverse('campaign', args=[ready.slug, campaign.pk])}")
    tab.locator("#from > summary").click()
    tab.locator("#id_from_email").fill("wrong@")
    tab.locator("#from").get_by_role("button", name="Save").click()
    expect(tab.locator("#id_from_email")).to_have_value("wrong@")
    tab.locator("#id_from_email").fill("yan@brand.example")
    tab.locator("#from").get_by_role("button", name="Save").click()
    campaign.refresh_from_db()
    assert campaign.from_email == "yan@brand.example"
