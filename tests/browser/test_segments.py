"""The builder of segments: by keyboard alone, at both widths, in both languages."""

import datetime as dt
import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from accounts.models import User, Workspace
from contacts.models import Attribute, Contact, Job, List, Tag
from contacts.queries import segments as query
from contacts.segmentmodels import Segment, SegmentDay
from contacts.segments.rules import ALL, NONE, Condition, Group
from contacts.services import jobs
from tests.browser.looks import check, looks
from tests.contacts.segments.scene import attribute, group, make_segment, when
from tests.factories import make_contact, make_list

Axe = Callable[[Page], None]
Shot = Callable[[Page, str], None]


@pytest.fixture
def people(workspace: Workspace) -> List:
    Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")
    Attribute.objects.create(workspace=workspace, key="points", label="Points", type="number")
    for number in range(30):
        values = {"city": ("上海", "Bern", "Oslo")[number % 3], "points": number}
        make_contact(workspace, f"p{number}@x.example", attributes=values, first_name=f"P{number}")
    return make_list(workspace, [f"p{number}@x.example" for number in range(0, 30, 2)])


def choose(page: Page, label: str) -> None:
    """In the select that has the focus, as a person who types."""
    page.keyboard.type(label)


def test_by_keyboard_alone(
    page: Page, owner: User, workspace: Workspace, people: List, log_in: Callable[[User], None]
) -> None:
    log_in(owner)
    page.goto("/w/brand/segments/new/")
    keys = page.keyboard
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    keys.type("In Shanghai")
    keys.press("Tab")  # ALL
    keys.press("Tab")
    expect(page.locator("#about_r_0")).to_be_focused()
    choose(page, "City")
    expect(page.locator("#operator_r_0")).to_be_visible()
    expect(page.locator("#about_r_0")).to_be_focused()
    keys.press("Tab")
    keys.press("Tab")
    expect(page.locator("#value_r_0")).to_be_focused()
    keys.type("上海")
    keys.press("Tab")  # remove
    keys.press("Tab")  # add condition
    keys.press("Tab")
    expect(page.get_by_role("button", name="Add group")).to_be_focused()
    expect(page.locator("#preview")).to_contain_text("10")
    keys.press("Enter")
    expect(page.locator("#about_r_1_0")).to_be_focused()
    expect(page.locator("#value_r_0")).to_have_value("上海")
    keys.press("Shift+Tab")
    expect(page.locator("#match_r_1")).to_be_focused()
    choose(page, "NONE")
    keys.press("Tab")
    choose(page, "Subscription")
    expect(page.locator("#subject_r_1_0")).to_be_visible()
    keys.press("Tab")
    choose(page, "Newsletter")
    expect(page.locator("#operator_r_1_0")).to_be_visible()
    expect(page.locator("#preview")).to_contain_text("5")
    page.get_by_label("Name", exact=True).focus()
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    segment = Segment.objects.get()
    assert query.stored(segment) == Group(
        ALL,
        (
            Condition("attribute", "city", "is", ("上海",)),
            Group(NONE, (Condition("list", str(people.pk), "subscribed"),)),
        ),
    )
    page.get_by_role("link", name="5", exact=True).click()
    expect(page.locator("#results tbody tr")).to_have_count(5)


def test_a_condition_is_removed_and_errors_are_shown(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    people: List,
    log_in: Callable[[User], None],
    axe: Axe,
) -> None:
    log_in(owner)
    page.goto("/w/brand/segments/new/")
    page.get_by_label("Name", exact=True).fill("Two")
    page.locator("#about_r_0").select_option(label="Points")
    page.locator("#operator_r_0").select_option(label="is between")
    expect(page.locator("#value_r_0_2")).to_be_visible()
    page.get_by_role("button", name="Create segment").click()
    expect(page.locator("#problem_r_0")).to_contain_text("Enter a number")
    axe(page)
    page.locator("#value_r_0").fill("1")
    page.locator("#value_r_0_2").fill("3")
    page.get_by_role("button", name="Add condition").click()
    expect(page.locator("#about_r_1")).to_be_focused()
    page.get_by_role("button", name="Remove condition 2").click()
    expect(page.locator("#about_r_1")).to_have_count(0)
    expect(page.locator("#value_r_0_2")).to_have_value("3")
    page.get_by_role("button", name="Count after each condition").click()
    expect(page.locator("#explained")).to_contain_text("Points is between 1 and 3")
    page.get_by_label("Ask about one contact").fill("p2@x.example")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#answer")).to_contain_text("is in this segment.")
    expect(page.locator("#answer")).to_contain_text("Found: 2")
    axe(page)


def test_a_resized_box_breaks_no_policy(
    page: Page, owner: User, workspace: Workspace, people: List, log_in: Callable[[User], None]
) -> None:
    """`watch` fails on errors of the content security policy."""
    log_in(owner)
    page.goto("/w/brand/segments/new/")
    page.locator("#about_r_0").select_option(label="City")
    page.locator("#operator_r_0").select_option(label="is one of these lines")
    box = page.locator("textarea#value_r_0")
    box.fill("Bern")
    box.evaluate("(box) => (box.style.height = '200px')")
    page.locator("#about_r_0").select_option(label="First name")
    expect(page.locator("[name=boxes_r_0]")).to_have_value("lines")
    expect(box).not_to_have_attribute("style", re.compile("."))
    expect(box).to_have_value("Bern")


def slow(page: Page) -> None:
    """Answers of the builder take a while."""

    def wait(route: Route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route(
        "**/segments/new/",
        lambda route: wait(route) if route.request.method == "POST" else route.continue_(),
    )


def test_what_is_typed_while_an_answer_is_slow_is_kept(
    page: Page, owner: User, workspace: Workspace, people: List, log_in: Callable[[User], None]
) -> None:
    log_in(owner)
    page.goto("/w/brand/segments/new/")
    slow(page)
    keys = page.keyboard
    page.locator("#about_r_0").focus()
    keys.type("Points")
    keys.press("Tab")
    keys.type("is bet")
    keys.press("Tab")
    keys.type("3")
    keys.press("Tab")
    keys.type("12")
    expect(page.locator("#value_r_0")).to_have_value("3")
    expect(page.locator("#value_r_0_2")).to_have_value("12")
    expect(page.locator("#value_r_0_2")).to_be_focused()
    expect(page.locator("#preview")).to_contain_text("10")
    # A mouse leads into the old box.
    page.locator("#operator_r_0").select_option(label="≥")
    page.locator("#value_r_0").click()
    keys.press("End")
    keys.type("0")
    expect(page.locator("#value_r_0_2")).to_have_count(0)
    keys.type("5")
    expect(page.locator("#value_r_0")).to_have_value("305")
    # Tab at once leads to the box that comes, not to the button.
    page.locator("#operator_r_0").focus()
    keys.press("ArrowUp")
    keys.press("Tab")
    keys.type("21")
    expect(page.locator("#operator_r_0")).to_have_value("above")
    expect(page.locator("#value_r_0")).to_have_value("21")
    expect(page.locator("#value_r_0")).to_be_focused()
    # And while a condition is added.
    page.get_by_role("button", name="Add condition").click()
    page.locator("#value_r_0").fill("22")
    expect(page.locator("#about_r_1")).to_be_visible()
    expect(page.locator("#value_r_0")).to_have_value("22")
    expect(page.locator("#value_r_0")).to_be_focused()


def test_the_shortcut_saves(
    page: Page, owner: User, workspace: Workspace, people: List, log_in: Callable[[User], None]
) -> None:
    log_in(owner)
    page.goto("/w/brand/segments/new/")
    page.locator("#about_r_0").select_option(label="City")
    expect(page.locator("#operator_r_0")).to_be_visible()
    page.locator("#value_r_0").fill("Bern")
    page.keyboard.press("Control+s")
    # Without a name it can't be saved, and counts as unsaved.
    expect(page.locator("#id_name_error")).to_be_visible()
    expect(page.locator("#builder")).to_have_attribute("data-dirty", "1")
    page.get_by_label("Name", exact=True).fill("In Bern")
    page.keyboard.press("Control+s")
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    assert query.stored(Segment.objects.get()) == group(ALL, attribute("city", "is", "Bern"))


def test_a_tag_of_thousands_is_found(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Axe,
    shot: Shot,
) -> None:
    names = [f"tag {number:04}" for number in range(1200)]
    Tag.objects.bulk_create(Tag(workspace=workspace, name=one, key=one) for one in names)
    make_contact(workspace, "none@x.example")
    log_in(owner)
    for look in looks(page, speak):
        page.goto("/w/brand/segments/new/")
        page.locator("#about_r_0").select_option(value="tag")
        expect(page.locator("#found_r_0")).to_contain_text("1,200")
        page.locator("#find_r_0").press_sequentially("0987")
        expect(page.locator("#subject_r_0 option")).to_have_count(3)
        expect(page.locator("#find_r_0")).to_be_focused()
        page.locator("#subject_r_0").select_option(label="tag 0987")
        expect(page.locator("#operator_r_0")).to_have_value("has")
        check(page, f"segment-tags-{look}", axe=axe, shot=shot)
        page.locator("#find_r_0").fill("")
        expect(page.locator("#subject_r_0 option")).to_have_count(503)
        expect(page.locator("#subject_r_0 option:checked")).to_have_text("tag 0987")
        page.goto("/w/brand/contacts/?tag=none")
        check(page, f"contacts-tags-{look}", axe=axe, shot=shot)


def test_a_random_share(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    people: List,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Axe,
    shot: Shot,
) -> None:
    log_in(owner)
    for look in looks(page, speak):
        page.goto("/w/brand/segments/new/")
        page.locator("#about_r_0").select_option(value="share:")
        code = page.locator("#value_r_0_3")
        expect(code).to_have_value(re.compile("^[a-z0-9]{6}$"))
        first = code.input_value()
        page.locator("#value_r_0_2").fill("100")
        expect(page.locator("#preview strong")).to_have_text("30")
        page.locator("#renew_r_0").click()
        expect(code).not_to_have_value(first)
        expect(page.locator("#value_r_0_2")).to_have_value("100")
        page.locator("#value_r_0").fill("60")
        page.locator("#value_r_0_2").fill("40")
        page.locator("#id_name").fill(f"Share {look}")
        page.locator("#builder .form-foot button").click()
        expect(page.locator("#problem_r_0")).to_be_visible()
        check(page, f"segment-share-{look}", axe=axe, shot=shot)
        page.locator("#value_r_0_2").fill("80")
        kept = code.input_value()
        page.locator("#builder .form-foot button").click()
        page.wait_for_url(re.compile(r"/segments/\d+/$"))
        stored = query.stored(Segment.objects.get(name=f"Share {look}"))
        assert stored == group(ALL, when("share", "", "in", 60, 80, kept))
        expect(page.locator(".segment-words").first).to_contain_text(kept)


def test_another_language_keeps_what_was_built(
    page: Page, owner: User, workspace: Workspace, people: List, log_in: Callable[[User], None]
) -> None:
    log_in(owner)
    page.goto("/w/brand/segments/new/")
    page.locator("#id_name").fill("In Bern")
    page.locator("#about_r_0").select_option(label="City")
    page.locator("#value_r_0").fill("Bern")
    page.locator("#add_group_r").click()
    page.locator("#about_r_1_0").select_option(label="Points")
    page.locator("#value_r_1_0").fill("7")
    page.get_by_role("button", name="Language").click()
    page.get_by_role("button", name="简体中文").click()
    expect(page.get_by_role("heading", name="新建人群")).to_be_visible()
    expect(page.locator("#id_name")).to_have_value("In Bern")
    expect(page.locator("#value_r_0")).to_have_value("Bern")
    expect(page.locator("#value_r_1_0")).to_have_value("7")
    # It is not saved yet.
    expect(page.locator("#builder")).to_have_attribute("data-dirty", "1")
    page.locator("#builder .form-foot button").click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    assert Segment.objects.get().name == "In Bern"


def test_todays_people_are_kept(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    people: List,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Axe,
    shot: Shot,
) -> None:
    one = make_segment(workspace, attribute("city", "is", "Bern"), name="In Bern")
    log_in(owner)
    for look in looks(page, speak):
        page.goto(reverse("segment", args=["brand", one.pk]))
        page.locator("[data-dialog=keep-segment]").click()
        expect(page.locator("#keep-segment")).to_be_visible()
        check(page, f"segment-keep-{look}", axe=axe, shot=shot)
    page.locator("#keep-segment button[type=submit]").click()
    page.wait_for_url(re.compile(r"/jobs/\d+/$"))
    jobs.run(Job.objects.get().pk)
    page.reload()
    check(page, "segment-kept", axe=axe, shot=shot)
    page.locator("main a[href*='/segments/']").last.click()
    expect(page.locator(".segment-count")).to_contain_text("10")


def counted_for_a_month(segment: Segment) -> None:
    """With one day that was too slow, and a person who joined and was deleted."""
    today = timezone.now().date()
    for ago in range(30, 0, -1):
        size = None if ago == 12 else 900 + (ago * 37) % 50 - ago * 5
        day = today - dt.timedelta(days=ago)
        SegmentDay.objects.create(
            segment=segment, day=day, version=1, size=size, problem="" if size else "slow"
        )
    before = SegmentDay.objects.latest("day")
    now = SegmentDay(segment=segment, day=today, version=1, size=912, kept=True)
    now.since, now.joined, now.left = before.day, 2, 1
    now.save()
    first, second = Contact.objects.order_by("pk").values_list("pk", flat=True)[:2]
    now.parts.create(number=0, contacts=[first], joined=[first, 10**9], departed=[second])


def test_looks(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    people: List,
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Axe,
    shot: Shot,
) -> None:
    inner = make_segment(workspace, when("list", str(people.pk), "subscribed"), name="订阅者")
    segment = make_segment(
        workspace,
        attribute("city", "one_of", "上海\nBern"),
        group("any", attribute("points", "between", 1, 20), when("list", "any", "never")),
        group("none", when("mail", "last_5", "ignored"), when("person", "domain", "is", "qq.com")),
        when("segment", str(inner.pk), "in"),
        name="Spring 春季",
    )
    counted_for_a_month(segment)
    log_in(owner)
    for look in looks(page, speak):
        page.goto(reverse("edit_segment", args=["brand", segment.pk]))
        expect(page.locator(".segment-people li").first).to_be_visible()
        page.locator("#builder ~ aside button[hx-post]").first.click()
        expect(page.locator("#explained table")).to_be_visible()
        page.locator("#person").fill("p4@x.example")
        page.locator(".segment-ask button").click()
        expect(page.locator(".segment-answers")).to_be_visible()
        check(page, f"segment-builder-{look}", axe=axe, shot=shot)
        page.goto(reverse("segment", args=["brand", segment.pk]))
        expect(page.locator(".segment-count a[data-figure]")).to_be_visible()
        expect(page.locator(".chart-plot canvas")).to_be_visible()
        expect(page.locator(".chart-table summary")).not_to_have_text("as_table")
        expect(page.locator(".segment-changes li")).to_have_count(2)
        check(page, f"segment-{look}", axe=axe, shot=shot)
        page.goto(reverse("segments", args=["brand"]))
        expect(page.locator("a[data-figure]").first).to_be_visible()
        check(page, f"segments-{look}", axe=axe, shot=shot)
