"""A design from the gallery to a test mail that arrived, as a person does it."""

import email
import email.policy
import re
from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User, Workspace
from contacts.models import Attribute, Contact
from designs import services
from designs.models import Design
from relays.models import Relay
from tests import factories
from tests.chromium import PHONE, Watch
from tests.mailservers.sink import Sink

LogIn = Callable[[User], None]


@pytest.fixture
def relay(workspace: Workspace, sink: Sink) -> Relay:
    return factories.make_relay(workspace, name="Sink", port=sink.port)


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    Attribute.objects.create(workspace=workspace, key="city", label="City")
    known = [("wang.fang@example.cn", "王芳", "杭州"), ("ada@example.com", "Ada Byron", "London")]
    return [
        Contact.objects.create(
            workspace=workspace, email=address, full_name=name, attributes={"city": city}
        )
        for address, name, city in known
    ]


@pytest.fixture
def open_design(
    page: Page, owner: User, workspace: Workspace, log_in: LogIn
) -> Callable[..., Design]:
    """Opens the editor on a design with this HTML."""

    def open_design(html: str) -> Design:
        design = services.create(workspace, services.Draft(name="Spring", subject="Hi", html=html))
        log_in(owner)
        page.goto(reverse("design", args=[workspace.slug, design.pk]))
        expect(page.locator(".cm-content").first).to_be_visible()
        return design

    return open_design


def mail(page: Page):  # type: ignore[no-untyped-def]
    return page.frame_locator("iframe.preview-frame:not([data-coming])")


def write(page: Page, text: str) -> None:
    """Types at the end of the HTML."""
    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text)


@pytest.mark.usefixtures("people", "relay")
def test_from_the_gallery_to_a_test_mail(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    workspace: Workspace,
    sink: Sink,
    log_in: LogIn,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    page.goto(reverse("new_design", args=[workspace.slug]))
    page.get_by_role("link", name="简体中文").click()
    page.get_by_role("button", name="Use 电子简报").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("电子简报")
    expect(mail(page).locator("body")).to_contain_text("慢一点的早晨")

    page.get_by_label("Name", exact=True).fill("五月")
    page.get_by_role("textbox", name="Subject").fill("{{ full_name }}，五月好")
    write(page, "<p>{{ city|default('x') }} {{ nobody }}</p>")
    expect(page.locator(".problems")).to_contain_text("There is no merge field named nobody.")
    last = Design.objects.get().html.count("\n") + 1
    place = page.get_by_role("button", name=f"HTML, line {last}")
    page.locator("h1").click()
    place.click()
    expect(page.locator(".cm-activeLine").first).to_contain_text("{{ nobody }}")
    shot(page, "design-editor-problem")
    axe(page)

    page.locator("#preview-form .dropdown-toggle").click()
    page.get_by_placeholder("Name or address").fill("王")
    page.get_by_role("button", name="王芳").click()
    expect(mail(page).locator("body")).to_contain_text("杭州", timeout=15_000)
    expect(page.locator("#checked .inbox-wide")).to_contain_text("王芳，五月好")

    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+End")
    for _step in range(len(" {{ nobody }}</p>")):
        page.keyboard.press("Backspace")
    # Its links are placeholders.
    expect(page.get_by_role("heading", name="3 things to look at")).to_be_visible()
    expect(page.locator("#save-state [data-version]")).to_be_visible()

    page.get_by_role("button", name="Send test").click()
    expect(page.get_by_label("To", exact=True)).to_be_focused()
    page.get_by_label("To", exact=True).fill("a@brand.example, reject@brand.example")
    page.get_by_label("Sender address").select_option("news@brand.example")
    axe(page)
    page.locator("#test-send").get_by_role("button", name="Send test").click()
    expect(page.locator(".test-results")).to_contain_text("550 5.1.1 User unknown")
    expect(page.locator(".test-results")).to_contain_text("250 2.0.0 taken")
    shot(page, "design-test")
    ((_sender, recipient, content),) = sink.mails
    assert recipient == "a@brand.example"
    got = email.message_from_bytes(content, policy=email.policy.default)
    assert got["Subject"] == "[Test] 王芳，五月好"
    html = got.get_body(("html",))
    assert html is not None
    assert "<p>杭州" in html.get_content()
    saved = Design.objects.get()
    assert saved.name == "五月"
    assert saved.html.endswith("<p>{{ city|default('x') }}")


def test_what_is_typed_is_saved_and_there_after_a_reload(
    page: Page, open_design: Callable[..., Design]
) -> None:
    design = open_design("<p>one</p>\r\n<p>two</p>\r\n")
    write(page, "three")
    expect(page.locator("#save-state")).to_have_text("Not saved yet")
    expect(page.locator("#save-state [data-version='2']")).to_be_visible()
    design.refresh_from_db()
    assert design.html == "<p>one</p>\r\n<p>two</p>\r\nthree"
    write(page, "four")
    page.keyboard.press("Control+s")
    expect(page.locator("#save-state [data-version='3']")).to_be_visible()
    page.reload()
    expect(page.locator(".cm-content").first).to_contain_text("threefour")


@pytest.mark.parametrize("keep", ["Keep what I typed", "Take the other version"])
def test_two_people_in_one_design_lose_nothing(
    page: Page, open_design: Callable[..., Design], axe: Callable[[Page], None], keep: str
) -> None:
    design = open_design("<p>first</p>")
    theirs = services.Draft(name="Spring", subject="Hi", html="<p>theirs</p>")
    services.save(Design.objects.get(pk=design.pk), theirs, version=1)
    write(page, "<p>mine</p>")
    expect(page.locator("#conflict")).to_contain_text("after you opened it")
    axe(page)
    page.get_by_role("button", name=keep).click()
    expect(page.locator("#conflict [data-choice]")).to_have_count(0)
    mine = "<p>first</p><p>mine</p>"
    expect(page.locator(".cm-content").first).to_contain_text(
        "mine" if "Keep" in keep else "theirs"
    )
    kept = {d.pk == design.pk: d.html for d in Design.objects.all()}
    assert kept == (
        {True: mine, False: theirs.html} if "Keep" in keep else {True: theirs.html, False: mine}
    )


def test_a_mail_can_neither_act_nor_ask_other_servers(
    page: Page, open_design: Callable[..., Design], watch: Watch
) -> None:
    """The watch fails on a request to elsewhere, and on what the browser had to stop."""
    open_design(
        "<html><head><style>@import 'https://other.example/x.css';"
        "p { background: url(https://other.example/b.png) }</style>"
        "<link rel='stylesheet' href='https://other.example/y.css'><script>alert(1)</script>"
        "<script src='https://other.example/z.js'></script></head>"
        "<body background='https://other.example/c.png' onload='alert(1)'>"
        "<iframe src='https://other.example/'></iframe><video src='https://other.example/v.mp4'"
        " poster='https://other.example/d.png'></video>"
        '<p>here</p><img src="https://other.example/a.png" width="300" height="80" alt="A boat">'
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">'
        '<meta http-equiv="refresh" content="0;url=https://other.example/">'
        "</body></html>"
    )
    expect(mail(page).locator("p")).to_have_text("here")
    assert mail(page).locator("img").first.get_attribute("src").startswith("data:image/svg+xml")
    expect(page.locator("#images-note")).to_contain_text("4 pictures of other servers")
    write(page, "<p>there</p>")
    expect(mail(page).locator("p")).to_have_text(["here", "there"])
    assert page.url.endswith("/")


def test_the_plain_text_is_made_or_written(
    page: Page, open_design: Callable[..., Design], axe: Callable[[Page], None]
) -> None:
    design = open_design('<h1>Spring</h1><a href="{{ unsubscribe_url }}">leave</a>')
    page.get_by_role("tab", name="Plain text").click()
    expect(page.locator("#made-text")).to_contain_text("leave ({{ unsubscribe_url }})")
    axe(page)
    page.get_by_label("Made from the HTML").uncheck()
    text = page.locator("#panel-text .cm-content")
    expect(text).to_contain_text("Spring")
    text.click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("By hand. ")
    expect(page.locator("#save-state [data-version='2']")).to_be_visible()
    design.refresh_from_db()
    assert design.text.startswith("By hand. Spring")


@pytest.mark.usefixtures("people")
def test_on_a_phone(
    page: Page,
    open_design: Callable[..., Design],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    open_design("<p>Dear {{ first_name }}</p>")
    expect(page.locator(".inbox-phone")).to_be_visible()
    expect(page.locator(".mail-preview")).to_have_class("mail-preview preview-phone")
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide
    axe(page)
    shot(page, "design-editor-phone")


@pytest.mark.usefixtures("people")
def test_merge_tags_of_another_program_are_converted(
    page: Page,
    open_design: Callable[..., Design],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    design = open_design(
        "<p>Hi *|FNAME|*, *|MERGE7|* and {name}</p>\n<a href='/sale'>Sale</a>\n"
        "<img src='cid:logo' alt='Logo'>{{ workspace }}\n{{ unsubscribe_url }}"
    )
    axe(page)
    shot(page, "design-problems")
    page.get_by_role("link", name="Convert merge tags").click()
    expect(page.get_by_role("heading", name="Convert merge tags")).to_be_visible()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        axe(page)
        shot(page, f"design-convert-{scheme}")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    axe(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    shot(page, "design-convert-phone")
    speak("zh-hans")
    page.reload()
    shot(page, "design-convert-phone-zh")
    speak("en")
    page.reload()
    page.get_by_label("Replacement for *|MERGE7|*").select_option("city")
    page.get_by_role("button", name="Convert").click()
    expect(page.get_by_text("2 merge tags are converted.")).to_be_visible()
    design.refresh_from_db()
    assert design.html.startswith("<p>Hi {{ first_name }}, {{ city }} and {name}</p>")
    axe(page)
    shot(page, "design-converted-phone")
    speak("zh-hans")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.reload()
    shot(page, "design-problems-zh")
    speak("en")
    page.reload()
    # The editor's undo leads back, and what it shows is saved.
    page.locator(".cm-content").first.click()
    expect(page.locator("#save-state")).to_contain_text("Saved")
    page.keyboard.press("Control+z")
    expect(page.locator(".cm-content").first).to_contain_text("Hi *|FNAME|*, *|MERGE7|* and")
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".cm-content").first).to_contain_text("Hi {{ first_name }}, {{ city }}")
    page.keyboard.press("Control+z")
    expect(page.locator("#save-state")).to_contain_text("Not saved yet")
    expect(page.locator("#save-state")).to_contain_text(re.compile(r"\bSaved \d"))
    design.refresh_from_db()
    assert design.html.startswith("<p>Hi *|FNAME|*, *|MERGE7|* and {name}</p>")
    # And so does the button.
    page.get_by_role("link", name="Convert merge tags").click()
    page.get_by_role("button", name="Convert").click()
    expect(page.locator(".cm-content").first).to_contain_text("Hi {{ first_name }}, *|MERGE7|*")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The merge tags are as they were before.")).to_be_visible()
    expect(page.locator(".cm-content").first).to_contain_text("Hi *|FNAME|*, *|MERGE7|* and")
    expect(page.get_by_role("button", name="Undo")).to_have_count(0)


def test_the_code_editor_speaks_the_language_of_the_page(
    page: Page, open_design: Callable[..., Design], speak: Callable[[str], None]
) -> None:
    """Tooltips, the search panel, what screen readers are told: a phrase that we have no word for
    would be there in English."""
    speak("zh-hans")
    open_design("<table>\n<tr>\n<td>Hi</td>\n</tr>\n</table>\n")
    page.locator(".cm-content").first.click()
    page.keyboard.press("Control+f")
    expect(page.locator(".cm-search")).to_be_visible()
    expect(page.get_by_title("折叠此行").first).to_be_attached()
    said = page.locator(".cm-editor").first.evaluate(
        """editor => [...editor.querySelectorAll(".cm-gutters [title], .cm-panels *")].flatMap(
            one => [one.title, one.placeholder, one.ariaLabel,
                    ...[...one.childNodes].map(node => node.data)])"""
    )
    words = [text for text in said if text and re.search("[a-z]{2}", text)]
    assert not words, words
