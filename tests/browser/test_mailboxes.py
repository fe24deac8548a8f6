"""Bounce mailboxes and bounces in a browser."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts import secrets
from accounts.models import User, Workspace
from bounces.models import BounceMail, BounceMailbox
from tests.bounces import returns
from tests.browser.looks import check, looks
from tests.mailservers.imap import PASSWORD, USER, Imap, running

# Of a few kinds: what nobody proved.
STATES = {"complained": "unproven", "delayed": "dismissed"}


@pytest.fixture
def imap() -> Iterator[Imap]:
    with running() as imap:
        yield imap


@pytest.fixture
def mailbox(workspace: Workspace) -> BounceMailbox:
    return BounceMailbox.objects.create(
        workspace=workspace,
        name="Bounces",
        host="imap.brand.example",
        username="bounces@brand.example",
        password=secrets.encrypt(PASSWORD),
        error="login",
        error_words="[AUTHENTICATIONFAILED] Invalid credentials",
    )


@pytest.fixture
def mails(mailbox: BounceMailbox) -> list[BounceMail]:
    """A few of each kind, as they are kept."""
    words = {
        "hard_bounced": "550 5.1.1 No such user here",
        "soft_bounced": "452 4.2.2 The mailbox is over quota",
        "blocked": "554 5.7.1 Refused by policy",
        "complained": "A person marked this mail as unwanted",
        "auto_replied": "",
        "other": "550 5.1.1 No such user here",
        "delayed": "451 4.4.1 Connection timed out",
    }
    return [
        BounceMail.objects.create(
            mailbox=mailbox,
            uid_validity=1,
            uid=uid,
            raw=returns.dsn(f"person{uid}@receiver.example", words=said or "250 ok"),
            state=STATES.get(kind, "processed"),
            kind=kind,
            sender="mailer-daemon@mx.receiver.example",
            subject="Your mail could not be delivered",
            recipient=f"person{uid}@receiver.example",
            matched_by="verp",
            detail=said,
        )
        for uid, (kind, said) in enumerate(words.items(), 1)
    ]


def test_looks(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    mails: list[BounceMail],
    log_in: Callable[[User], None],
    speak: Callable[[str], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    log_in(owner)
    mailbox = mails[0].mailbox_id
    for name, path in (
        ("mailboxes", "mailboxes/"),
        ("mailbox", f"mailboxes/{mailbox}/"),
        ("mailbox-edit", f"mailboxes/{mailbox}/edit/"),
        ("bounces", "bounces/"),
        ("bounce", f"bounces/{mails[0].pk}/"),
        ("unproven", f"bounces/{mails[3].pk}/"),
    ):
        for look in looks(page, speak):
            page.goto(f"/w/brand/{path}")
            expect(page.locator("h1")).to_be_visible()
            check(page, f"{name}-{look}", axe=axe, shot=shot)


def test_add_one_and_try_it(  # noqa: PLR0917 - fixtures
    page: Page,
    owner: User,
    imap: Imap,
    log_in: Callable[[User], None],
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
) -> None:
    imap.append(returns.LETTER)
    log_in(owner)
    page.goto("/w/brand/mailboxes/")
    page.get_by_role("link", name="Add a mailbox").first.click()
    page.get_by_role("link", name="Tencent Exmail").click()
    expect(page.get_by_label("Server")).to_have_value("imap.exmail.qq.com")
    page.get_by_label("Name").fill("Returns")
    page.get_by_label("Server").fill("127.0.0.1")
    page.get_by_label("Port").fill(str(imap.port))
    page.get_by_label("Encryption").select_option("none")
    page.get_by_label("User", exact=True).fill(USER)
    page.get_by_label("Password").fill("guessed")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#trial")).to_contain_text("The server refuses this user and password.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#trial")).to_contain_text("There is 1 mail in INBOX")
    axe(page)
    shot(page, "mailbox-trial")
    page.get_by_role("button", name="Add this mailbox").click()
    expect(page.locator("h1")).to_have_text("Returns")
    page.get_by_role("button", name="Test").click()
    expect(page.locator("#trial")).to_contain_text("Nothing else was changed.")


def test_not_a_bounce_and_undo(
    page: Page, owner: User, mails: list[BounceMail], log_in: Callable[[User], None]
) -> None:
    log_in(owner)
    page.goto("/w/brand/bounces/")
    page.get_by_label("Kind").select_option("soft_bounced")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.wait_for_url("**/bounces/?*kind=soft_bounced*")
    page.locator("#results tbody a").first.click()
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator(".mail-text").first).to_contain_text("over quota")
