"""The pages of the mail sandbox."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts.models import Contact, List, Subscription
from sandbox import samplelist
from sandbox.behaviour import BEHAVIOURS
from sandbox.models import SandboxMail, SandboxReturn
from sandbox.returns import DOMAIN
from sandbox.services import sandbox
from sandbox.sources import SANDBOX
from sending.compose.publicurls import MessageUrls, Pixel

RAW = (
    b"From: News <news@brand.example>\r\nTo: ada@people.example\r\nSubject: Spring\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlain words\r\n"
    b"--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p onclick=x()>Rich words</p>\r\n"
    b"--x--\r\n"
)
Make = Callable[..., SandboxMail]


@pytest.fixture
def make_mail(workspace: Workspace) -> Make:
    def make(recipient: str = "ada@people.example", **fields: Any) -> SandboxMail:
        known = {
            "workspace": workspace,
            "envelope_from": "bounces+x@sandbox.example",
            "envelope_to": recipient,
            "subject": "Spring",
            "outcome": "delivered",
            "raw": RAW,
            "received_at": timezone.now(),
        }
        return SandboxMail.objects.create(**(known | fields))

    return make


def at(name: str, workspace: Workspace, *args: object) -> str:
    return reverse(name, args=[workspace.slug, *args])


def test_an_empty_sandbox_leads_on(owner_client: Client, workspace: Workspace) -> None:
    page = owner_client.get(at("sandbox", workspace))
    assert "Nothing was sent here yet" in page.content.decode()
    assert at("sandbox_addresses", workspace) in page.content.decode()


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", {"ada@people.example", "bounce@people.example"}),
        ("?q=ADA", {"ada@people.example"}),
        ("?outcome=hard_bounced", {"bounce@people.example"}),
        ("?outcome=soft_bounced", set()),
    ],
)
def test_the_list_is_searched_and_filtered(
    owner_client: Client, workspace: Workspace, make_mail: Make, query: str, shown: set[str]
) -> None:
    make_mail()
    make_mail("bounce@people.example", outcome="hard_bounced")
    page = owner_client.get(at("sandbox", workspace) + query)
    assert {mail.envelope_to for mail in page.context["page"]} == shown


@pytest.mark.parametrize("images", ["", "?images=1"])
@pytest.mark.parametrize("pixel", [Pixel.OWN, Pixel.COMMON])
def test_looking_at_a_mail_of_a_campaign_is_no_open(
    owner_client: Client, workspace: Workspace, make_mail: Make, images: str, pixel: Pixel
) -> None:
    urls = MessageUrls(message_id=7, pixel=pixel)
    html = f'<head></head><a href="{urls.click(0)}">Read</a><img src="{urls.open_pixel}" alt="">'
    mail = make_mail(raw=b"Content-Type: text/html\r\n\r\n" + html.encode())
    frame = owner_client.get(at("sandbox_frame", workspace, mail.pk) + images).content.decode()
    assert str(urls.open_pixel) not in frame
    # A click by hand counts, and leaves the frame: the page takes no other site into it.
    assert urls.click(0) in frame
    assert '<base target="_blank">' in frame
    page = owner_client.get(at("sandbox_mail", workspace, mail.pk)).content.decode()
    assert "does not count as an open" in page


def test_a_mail_is_shown_in_a_frame_without_rights(
    owner_client: Client, workspace: Workspace, make_mail: Make
) -> None:
    mail = make_mail()
    page = owner_client.get(at("sandbox_mail", workspace, mail.pk))
    assert at("sandbox_frame", workspace, mail.pk) in page.content.decode()
    frame = owner_client.get(at("sandbox_frame", workspace, mail.pk))
    assert "Rich words" in frame.content.decode()
    policy = frame.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox allow-popups" in policy
    assert "allow-scripts" not in policy


@pytest.mark.parametrize(
    ("show", "words"),
    [
        ("text", "Plain words"),
        ("headers", "News &lt;news@brand.example&gt;"),
        ("source", "&lt;p onclick=x()&gt;"),
    ],
)
def test_the_other_views(
    owner_client: Client, workspace: Workspace, make_mail: Make, show: str, words: str
) -> None:
    url = at("sandbox_mail", workspace, make_mail().pk)
    assert words in owner_client.get(url, {"show": show}).content.decode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\r\n\r\n",
        b"Content-Type: text/plain; charset=nonsense\r\n\r\nx",
        b"Content-Type: multipart/mixed\r\n\r\nx",
        b"Subject: =?x?q?y?=\r\nDate: never\r\nFrom: <<\r\n\r\n",
    ],
)
def test_a_broken_mail_is_shown_all_the_same(
    owner_client: Client, workspace: Workspace, make_mail: Make, raw: bytes
) -> None:
    url = at("sandbox_mail", workspace, make_mail(raw=raw).pk)
    for show in ("html", "text", "headers", "source"):
        assert owner_client.get(url, {"show": show}).status_code == 200


def test_says_what_came_back(owner_client: Client, workspace: Workspace, make_mail: Make) -> None:
    mail = make_mail("bounce@people.example", outcome="hard_bounced")
    url = at("sandbox_mail", workspace, mail.pk)
    assert "was collected" in owner_client.get(url).content.decode()
    SandboxReturn.objects.create(
        workspace=workspace, mail=mail, raw=b"x", created_at=timezone.now()
    )
    assert "waits in the sandbox" in owner_client.get(url).content.decode()


def test_the_source_is_what_came_over_the_wire(
    owner_client: Client, workspace: Workspace, make_mail: Make
) -> None:
    answer = owner_client.get(at("sandbox_source", workspace, make_mail().pk))
    assert answer.content == RAW
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_clearing_keeps_what_was_not_collected(
    owner_client: Client, workspace: Workspace, other_workspace: Workspace, make_mail: Make
) -> None:
    mail = make_mail("bounce@people.example", outcome="hard_bounced")
    SandboxReturn.objects.create(
        workspace=workspace, mail=mail, raw=b"x", created_at=timezone.now()
    )
    make_mail(workspace=other_workspace)
    answer = owner_client.post(at("clear_sandbox", workspace), follow=True)
    assert "1 mail removed." in answer.content.decode()
    assert SandboxMail.objects.get().workspace == other_workspace
    assert SandboxReturn.objects.get().mail is None


def test_a_viewer_can_not_clear(
    workspace: Workspace, make_member: Callable[..., User], make_mail: Make
) -> None:
    make_mail()
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    assert client.post(at("clear_sandbox", workspace)).status_code == 403
    assert "clear-sandbox" not in client.get(at("sandbox", workspace)).content.decode()
    assert SandboxMail.objects.exists()


def test_every_address_is_on_the_page(owner_client: Client, workspace: Workspace) -> None:
    page = owner_client.get(at("sandbox_addresses", workspace)).content.decode()
    for word in ("reject", "defer", "greylist", "bounce", "complain", "autoreply", "delayed"):
        assert f"{word}@sandbox.example" in page


def test_mails_of_the_platform_are_for_founders(
    owner_client: Client, owner: User, make_mail: Make
) -> None:
    mail = make_mail(workspace=None, subject="Reset")
    urls = [
        reverse("platform_mails"),
        reverse("platform_mail", args=[mail.pk]),
        reverse("platform_frame", args=[mail.pk]),
    ]
    for url in urls:
        assert owner_client.get(url).status_code == 403
        assert Client().get(url).status_code == 302
    User.objects.filter(pk=owner.pk).update(can_create_workspaces=True)
    for url in urls:
        assert owner_client.get(url).status_code == 200
    assert "Reset" in owner_client.get(urls[0]).content.decode()


def test_a_workspaces_mail_is_not_among_the_platforms(
    owner_client: Client, owner: User, workspace: Workspace, make_mail: Make
) -> None:
    User.objects.filter(pk=owner.pk).update(can_create_workspaces=True)
    mail = make_mail()
    assert owner_client.get(reverse("platform_mail", args=[mail.pk])).status_code == 404
    platform = make_mail(workspace=None)
    assert owner_client.get(at("sandbox_mail", workspace, platform.pk)).status_code == 404


@pytest.fixture
def equipped(workspace: Workspace, settings: Settings) -> Workspace:
    settings.SANDBOX = True
    sandbox.provision(workspace)
    return workspace


def test_home_makes_a_list_of_sandbox_addresses(owner_client: Client, equipped: Workspace) -> None:
    """A newcomer without a file has people to send to after one press."""
    url = at("make_sandbox_list", equipped)
    assert f'action="{url}"' in owner_client.get(at("home", equipped)).content.decode()
    page = owner_client.post(url, follow=True).content.decode()
    assert "The list “Sandbox” has 43 addresses of the sandbox." in page
    # The step is done and the offer gone; a second press changes nothing.
    assert f'action="{url}"' not in page
    owner_client.post(url)
    assert Contact.objects.filter(workspace=equipped).count() == 43
    made = List.objects.get(workspace=equipped)
    on_it = Subscription.objects.filter(list=made, status="subscribed")
    assert set(on_it.values_list("contact__email", flat=True)) >= {
        f"{one.word}@{DOMAIN}" for one in BEHAVIOURS
    }
    assert on_it.exclude(contact__first_name="").count() >= 25
    assert {one.contact.source for one in on_it.select_related("contact")} == {SANDBOX}


def test_sandbox_list_leaves_what_is_known(owner_client: Client, equipped: Workspace) -> None:
    """Who left the list stays away, and a contact that is there keeps its name."""
    owner_client.post(at("make_sandbox_list", equipped))
    gone = Subscription.objects.filter(list__workspace=equipped).order_by("pk").first()
    assert gone
    Subscription.objects.filter(pk=gone.pk).update(status="unsubscribed")
    Contact.objects.filter(pk=gone.contact_id).update(first_name="Changed")
    page = owner_client.post(at("make_sandbox_list", equipped), follow=True).content.decode()
    assert "has 42 addresses" in page
    gone.refresh_from_db()
    assert (gone.status, gone.contact.first_name) == ("unsubscribed", "Changed")


def test_no_sandbox_no_list(owner_client: Client, workspace: Workspace, settings: Settings) -> None:
    for on in (False, True):
        settings.SANDBOX = on
        assert owner_client.post(at("make_sandbox_list", workspace)).status_code == 404
    page = owner_client.get(at("sandbox_addresses", workspace)).content.decode()
    assert at("make_sandbox_list", workspace) not in page


def test_names_are_in_the_language_of_the_person() -> None:
    english, chinese = [*samplelist.samples("en")], [*samplelist.samples("zh-hans")]
    assert all(one.full_name.isascii() for one in english)
    assert not any(one.full_name.isascii() for one in chinese if one.full_name)
    assert len({one.email for one in chinese}) == len(chinese) == 43
