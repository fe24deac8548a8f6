"""The test send of a design: who may, whom it reaches, and what it says."""

import email
import email.policy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.models import DailyUse, User, Workspace
from accounts.permissions import Role
from accounts.services import allowance
from campaigns.models import Campaign
from contacts.models import Contact, Suppression
from designs import fields, services
from designs.models import Design
from designs.rendering import Rendered
from relays.models import Relay
from relays.services import testallowance
from relays.services.testallowance import TestRefusedError
from sending.compose.mime import Sender
from sending.services.testmail import send_test
from tests import factories
from tests.mailservers.sink import Sink
from tests.smtp.scripted import serving

HTML = '<p>Dear {{ first_name }}</p><a href="{{ unsubscribe_url }}">leave</a>'


@pytest.fixture
def relay(workspace: Workspace, sink: Sink) -> Relay:
    return factories.make_relay(workspace, name="Sink", port=sink.port)


@pytest.fixture
def design(workspace: Workspace) -> Design:
    return services.create(workspace, services.Draft(name="Spring", subject="Hi", html=HTML))


@pytest.fixture
def send(owner_client: Client, design: Design, relay: Relay) -> Callable[..., str]:
    def send(addresses: str, **typed: object) -> str:
        given = {
            "addresses": addresses,
            "relay": relay.pk,
            "from_name": "品牌",
            "from_email": "news@brand.example",
            **typed,
        }
        answer = owner_client.post(reverse("design_test", args=["brand", design.pk]), given)
        assert answer.status_code == 200
        return answer.content.decode()

    return send


def test_each_address_gets_it_and_what_the_server_said_is_shown(
    send: Callable[..., str], sink: Sink, workspace: Workspace
) -> None:
    contact = Contact.objects.create(workspace=workspace, email="w@x.example", first_name="芳")
    told = send("a@x.example； reject@x.example\nA@x.example", contact=contact.pk)
    assert "550 5.1.1 User unknown" in told
    assert "250 2.0.0 taken" in told
    ((sender, recipient, content),) = sink.mails
    assert (sender, recipient) == ("news@brand.example", "a@x.example")
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["Subject"] == "[Test] Hi"
    assert str(mail["From"]) == "品牌 <news@brand.example>"
    assert "Dear 芳" in mail.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "Dear 芳" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_server_that_takes_one_mail_a_connection(
    send: Callable[..., str], relay: Relay, smtp_config: Callable[..., None]
) -> None:
    smtp_config(ehlo_name="")
    with serving(mails_each=1, strict_name=True) as server:
        Relay.objects.filter(pk=relay.pk).update(port=server.port)
        told = send("a@x.example; b@x.example; c@x.example")
        assert told.count("250 2.0.0 queued") == 3
        assert server.accepted == {"a@x.example": 1, "b@x.example": 1, "c@x.example": 1}


def test_what_is_typed_is_sent_without_being_saved(send: Callable[..., str], sink: Sink) -> None:
    send("a@x.example", subject="Draft", html="<p>unsaved</p>", text="")
    assert b"Subject: [Test] Draft" in sink.mails[0][2]
    assert b"unsaved" in sink.mails[0][2]
    assert Design.objects.get().html == HTML


def test_mailboxes_keep_two_tests_apart(send: Callable[..., str], sink: Sink) -> None:
    send("a@x.example")
    send("a@x.example")
    ids = {email.message_from_bytes(content)["Message-ID"] for _s, _r, content in sink.mails}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("addresses", "typed", "words"),
    [
        ("", {}, "Enter at least one address."),
        ("nobody", {}, "nobody: "),
        (" ".join(f"a{n}@x.example" for n in range(11)), {}, "10 addresses at most"),
        ("gone@x.example", {}, "gone@x.example is suppressed"),
        ("a@gone.example", {}, "gone.example is suppressed"),
        ("a@x.example", {"from_email": ""}, "Enter the address that the mail comes from."),
        ("a@x.example", {"relay": 0}, "Select a valid choice"),
        ("a@x.example", {"html": "<p>\n{% if %}"}, "HTML, line 2: "),
    ],
)
def test_what_can_not_be_sent_gets_a_sentence(  # noqa: PLR0917 - fixtures and a table
    send: Callable[..., str],
    sink: Sink,
    workspace: Workspace,
    addresses: str,
    typed: dict[str, object],
    words: str,
) -> None:
    for kind, value in (("address", "gone@x.example"), ("domain", "gone.example")):
        Suppression.objects.create(workspace=workspace, kind=kind, value=value, reason="manual")
    assert words in send(addresses, **typed)
    assert sink.mails == []


def test_a_server_that_is_away_is_told_for_each_address(
    send: Callable[..., str], relay: Relay
) -> None:
    Relay.objects.filter(pk=relay.pk).update(port=1)
    told = send("a@x.example b@x.example")
    assert told.count('class="test-result"') == 2


def test_without_a_relay_that_sends_there_is_no_form(
    owner_client: Client, design: Design, relay: Relay
) -> None:
    Relay.objects.filter(pk=relay.pk).update(state=Relay.State.PAUSED)
    answer = owner_client.get(reverse("design_test", args=["brand", design.pk]))
    assert "No relay can send now" in answer.content.decode()
    assert b"<form" not in answer.content


def test_who_may_only_read_sends_no_tests(
    workspace: Workspace, design: Design, make_member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    url = reverse("design_test", args=["brand", design.pk])
    assert client.get(url).status_code == 403
    assert client.post(url, {"addresses": "a@x.example"}).status_code == 403


def test_the_sender_of_a_campaign_is_proposed(
    owner_client: Client, design: Design, relay: Relay, workspace: Workspace
) -> None:
    given = {"from_name": "Shop", "from_email": "news@xn--bcher-kva.example"}
    Campaign.objects.create(workspace=workspace, name="C", from_email=given["from_email"])
    answer = owner_client.get(reverse("design_test", args=["brand", design.pk]), given)
    page = answer.content.decode()
    assert 'value="Shop"' in page
    assert 'value="news@xn--bcher-kva.example" selected' in page
    assert "news@bücher.example" in page


# Test mails are few, and from the workspace only --------------------------------------------------


def test_only_senders_of_the_workspace(
    send: Callable[..., str], sink: Sink, workspace: Workspace, other_workspace: Workspace
) -> None:
    Campaign.objects.create(workspace=workspace, name="C", from_email="Sale@brand.example")
    Campaign.objects.create(workspace=other_workspace, name="O", from_email="ceo@bank.example")
    assert "Select a valid choice" in send("a@x.example", from_email="ceo@bank.example")
    assert sink.mails == []
    assert "250 2.0.0" in send("a@x.example", from_email="sale@brand.example")


def test_the_service_too_sends_from_the_workspace_only(
    relay: Relay, owner: User, sink: Sink, workspace: Workspace
) -> None:
    with pytest.raises(TestRefusedError, match=r"ceo@bank\.example is not a sender"):
        send_test(
            relay=relay,
            rendered=Rendered(subject="S", preheader="", html="<p>a</p>", text=""),
            sender=Sender("", "ceo@bank.example", "", "l", "n", 0),
            addresses=["a@x.example"],
            fields=fields.values(workspace, None),
            by=owner,
        )
    assert sink.mails == []
    assert testallowance.left(owner).left == testallowance.left(owner).limit


def test_a_workspace_without_a_sender_says_what_to_do(
    owner_client: Client, design: Design, relay: Relay, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(from_email="")
    page = owner_client.get(reverse("design_test", args=["brand", design.pk])).content.decode()
    assert "there is none yet" in page
    assert reverse("workspace_settings", args=["brand"]) in page


def test_a_person_sends_so_many_a_day_over_all_workspaces(
    send: Callable[..., str],
    sink: Sink,
    settings: Settings,
    owner: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.TEST_MAILS_PER_DAY = 3
    now = datetime(2026, 5, 4, 23, 0, tzinfo=UTC)
    monkeypatch.setattr("accounts.services.allowance.timezone.now", lambda: now)
    User.objects.update(timezone="Asia/Shanghai", language="en")
    until = "until 5 May 2026 08:00:00"
    told = send("a@x.example b@x.example").replace("\u202f", " ")
    assert f"You can send 1 of 3 test mails {until}" in told
    told = send("c@x.example d@x.example").replace("\u202f", " ")
    assert f"You can send 1 more test mail {until}" in told
    assert 'aria-invalid="true"' in told
    assert len(sink.mails) == 2
    send("c@x.example")
    assert "You can send 0 more test mails" in send("d@x.example")
    assert len(sink.mails) == 3
    now += timedelta(hours=1)
    send("d@x.example")
    assert len(sink.mails) == 4
    assert DailyUse.objects.count() == 1


def test_of_many_at_once_none_passes_the_limit(owner: User) -> None:
    taken = [allowance.take(owner, "test mails", 10, 3) for _ in range(5)]
    assert taken == [True, True, True, False, False]
    assert allowance.take(owner, "test mails", 10, 1)
    assert not allowance.take(owner, "test mails", 10, 1)


def test_a_test_of_a_relay_with_a_recipient_is_a_test_mail(
    owner_client: Client, relay: Relay, settings: Settings, sink: Sink
) -> None:
    settings.TEST_MAILS_PER_DAY = 1
    url = reverse("test_relay", args=["brand", relay.pk])
    form = {"from_email": "news@brand.example", "recipient": "a@x.example", "mail": "on"}
    forged = owner_client.post(url, {**form, "from_email": "ceo@bank.example"}).content.decode()
    assert "ceo@bank.example is not a sender address of this workspace" in forged
    assert sink.mails == []
    assert "It works" in owner_client.post(url, form).content.decode()
    assert "You can send 0 more test mails" in owner_client.post(url, form).content.decode()
    # It ends before a recipient: no mail.
    assert (
        "It works" in owner_client.post(url, {**form, "recipient": "", "mail": ""}).content.decode()
    )
    assert len(sink.mails) == 1


def test_mails_to_the_sandbox_are_not_counted(
    send: Callable[..., str], relay: Relay, owner: User
) -> None:
    Relay.objects.filter(pk=relay.pk).update(managed_by="sandbox", delivers=False)
    send("a@x.example")
    assert testallowance.left(owner).left == testallowance.left(owner).limit
