"""The page that recipients see when they unsubscribe, in each of its states."""
# ruff: noqa: PLR0917 - fixtures and cases

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from designs.models import Content
from relays.models import Relay
from sending.compose import tokens
from sending.models import Message
from tests import factories
from tests.chromium import DESKTOP, PHONE

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def path(workspace: Workspace) -> str:
    """The link in a mail to somebody whose address changed since."""
    news = List.objects.create(workspace=workspace, name="Newsletter 电子简报")
    carol = Contact.objects.create(workspace=workspace, email="carol.new@people.example")
    Subscription.objects.create(list=news, contact=carol)
    mailing = factories.make_mailing(
        workspace,
        source=Source("campaign", 7),
        content=Content.objects.create(workspace=workspace, subject="Hi", text="Hi"),
        from_email="news@brand.example",
        relay=Relay.objects.create(workspace=workspace, name="R", host="127.0.0.1"),
        audience=Audience.of_lists(workspace.pk, [news.pk]).as_json(),
        retry_for=timedelta(days=1),
    )
    message = Message.objects.create(
        mailing=mailing, contact_id=carol.pk, address="carol.old@people.example", state=2
    )
    return f"/e/u/{tokens.make(message.pk)}"


@pytest.mark.parametrize("language", ["en", "zh-hans", "ar"])
@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_every_state_reads_well(
    page: Page,
    path: str,
    workspace: Workspace,
    axe: Callable[[Page], None],
    shot: Callable[[Page, str], None],
    speak: Callable[[str], None],
    language: str,
    size: tuple[int, int],
    scheme: str,
) -> None:
    speak(language)
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]

    def seen(name: str) -> str:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert "carol.new" not in page.content()
        axe(page)
        shot(page, f"leave-{name}-{language}-{size[0]}-{scheme}")
        return page.inner_text("main")

    page.goto(path)
    seen("asks")
    page.get_by_role("button").first.click()
    page.wait_for_load_state()
    assert page.locator("form input[value=undo]").count() == 1
    seen("left")
    Subscription.objects.update(changed_at=timezone.now() - timedelta(days=2))
    Suppression.objects.update(created_at=timezone.now() - timedelta(days=2))
    page.goto(path)
    assert page.locator("form input[value=undo]").count() == 0
    assert "news@brand.example" in seen("over")
    Subscription.objects.update(status="subscribed", **BY_HAND.columns)
    Suppression.objects.create(
        workspace=workspace, kind="domain", value="people.example", reason="manual"
    )
    page.goto(path)
    assert "people.example" in seen("domain")
