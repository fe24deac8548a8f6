"""Pages of relays and pools: what is stored, what is never shown, what is refused and why."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.permissions import Role
from accounts.secrets import decrypt
from contacts import timeline
from contacts.models import Contact
from contacts.provenance import Source
from relays.models import Pool, PoolMember, Relay
from relays.services import health
from sending.models import Event, Mailing, Message
from tests.mailservers.smtp import Habits, serving

TYPED = {
    "name": "Main",
    "host": "localhost",
    "port": "587",
    "security": "starttls",
    "username": "ann",
    "password": "s3cret",
    "per_second": "14",
    "per_day": "50000",
    "envelope": "verp",
    "bounce_address": "bounces@brand.example",
}


def _new(url: Callable[..., str], preset: str = "own") -> str:
    return f"{url('new_relay')}?preset={preset}"


def test_providers_are_offered_and_fill_the_form(
    owner_client: Client, url: Callable[..., str]
) -> None:
    offered = owner_client.get(url("new_relay")).content.decode()
    assert "Amazon SES" in offered
    form = owner_client.get(_new(url, "aliyun")).content.decode()
    assert 'value="smtpdm.aliyun.com"' in form
    assert 'value="465"' in form
    assert 'value="2000"' in form
    assert "must use the address that logs in" in form


def test_a_provider_wants_a_login(owner_client: Client, url: Callable[..., str]) -> None:
    page = owner_client.post(_new(url, "sendgrid"), TYPED | {"username": "", "password": ""})
    assert "Enter the user that the provider gave you." in page.content.decode()
    assert "Enter the password that goes with the user." in page.content.decode()
    assert not Relay.objects.exists()


def test_a_relay_is_made_and_its_password_never_shown(
    owner_client: Client, url: Callable[..., str]
) -> None:
    answer = owner_client.post(_new(url), TYPED)
    relay = Relay.objects.get()
    assert answer.headers["Location"] == url("relay", relay.pk)
    assert relay.password is not None
    assert b"s3cret" not in bytes(relay.password)
    assert decrypt(relay.password) == "s3cret"
    assert (relay.preset, relay.connections) == ("own", None)
    for name in ("relay", "edit_relay"):
        page = owner_client.get(url(name, relay.pk)).content.decode()
        assert "s3cret" not in page
    listed = owner_client.get(url("relays")).content.decode()
    assert "14 a second, 50,000 a day" in listed


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"host": "https://smtp.example.com"}, "host", "name alone"),
        ({"host": "smtp.example.com:587"}, "host", "name alone"),
        ({"host": "email-smtp.REGION.amazonaws.com"}, "host", "region"),
        ({"host": "169.254.169.254"}, "host", "never a mail server"),
        ({"bounce_address": ""}, "bounce_address", "bounces come back to"),
        ({"bounce_address": "nobody"}, "bounce_address", ""),
        ({"username": ""}, "username", "password belongs to"),
        ({"per_second": "0"}, "per_second", ""),
        ({"connections": "0"}, "connections", ""),
        ({"port": "70000"}, "port", ""),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    owner_client: Client,
    url: Callable[..., str],
    changes: dict[str, str],
    field: str,
    words: str,
) -> None:
    answer = owner_client.post(_new(url), TYPED | changes)
    assert answer.status_code == 200
    form = answer.context["form"]
    assert list(form.errors) == [field]
    assert words in str(form.errors[field])
    assert not Relay.objects.exists()


def test_private_servers_can_be_closed(
    owner_client: Client, url: Callable[..., str], smtp_config: Callable[..., None]
) -> None:
    smtp_config(private_servers=False)
    answer = owner_client.post(_new(url), TYPED | {"host": "10.1.2.3"})
    assert "private network" in str(answer.context["form"].errors["host"])


def _change(relay: Relay, **changes: str) -> dict[str, str]:
    return TYPED | {"name": relay.name, "password": "", "password_choice": "keep"} | changes


def test_a_password_is_kept_replaced_or_removed(
    owner_client: Client, url: Callable[..., str]
) -> None:
    owner_client.post(_new(url), TYPED)
    relay = Relay.objects.get()
    edit = url("edit_relay", relay.pk)

    assert owner_client.post(edit, _change(relay, per_day="10")).status_code == 302
    relay.refresh_from_db()
    assert (decrypt(relay.password), relay.per_day) == ("s3cret", 10)

    owner_client.post(edit, _change(relay, password_choice="replace", password="other"))
    relay.refresh_from_db()
    assert decrypt(relay.password) == "other"

    owner_client.post(edit, _change(relay, password_choice="remove"))
    relay.refresh_from_db()
    assert relay.password is None


def test_a_kept_password_goes_to_no_other_server(
    owner_client: Client, url: Callable[..., str]
) -> None:
    owner_client.post(_new(url), TYPED)
    relay = Relay.objects.get()
    habits = Habits(extensions=("AUTH PLAIN",))
    with serving(habits) as port:
        elsewhere = _change(relay, host="127.0.0.1", port=str(port), security="none")
        answer = owner_client.post(url("edit_relay", relay.pk), elsewhere)
        assert "Enter its password again" in str(answer.context["form"].errors["password"])
        tried = owner_client.post(url("try_relay"), elsewhere | {"relay": str(relay.pk)})
        assert "Complete the settings first" in tried.content.decode()
    assert habits.heard == []
    relay.refresh_from_db()
    assert relay.host == "localhost"


def test_a_name_is_the_workspaces_own(
    owner_client: Client, url: Callable[..., str], relay: Relay, other_workspace: Workspace
) -> None:
    Relay.objects.create(workspace=other_workspace, name="Theirs", host="localhost")
    owner_client.post(_new(url), TYPED | {"name": "Theirs"})
    assert Relay.objects.filter(name="Theirs").count() == 2
    answer = owner_client.post(_new(url), TYPED | {"name": "Main"})
    assert "already" in str(answer.context["form"].errors["name"])


def test_pause_and_resume(owner_client: Client, url: Callable[..., str], relay: Relay) -> None:
    owner_client.post(url("pause_relay", relay.pk))
    relay.refresh_from_db()
    assert relay.state == Relay.State.PAUSED
    assert relay.state_since is not None
    assert "This relay is paused" in owner_client.get(url("relay", relay.pk)).content.decode()
    owner_client.post(url("resume_relay", relay.pk))
    relay.refresh_from_db()
    assert relay.state == Relay.State.ACTIVE


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "The relay refuses the login or the account"), ("zh-hans", "发信通道拒绝登录或账号")],
)
def test_what_stopped_a_relay_is_shown_in_the_readers_language(
    owner_client: Client, url: Callable[..., str], relay: Relay, language: str, sentence: str
) -> None:
    health.stop(relay, "login", "535 5.7.8 Bad credentials")
    shown = url("relay", relay.pk)
    page = owner_client.get(shown, headers={"accept-language": language}).content.decode()
    assert sentence in page
    assert "535 5.7.8 Bad credentials" in page
    owner_client.post(url("resume_relay", relay.pk))
    relay.refresh_from_db()
    assert (relay.state, relay.state_reason, relay.state_words) == (Relay.State.ACTIVE, "", "")


def test_a_wait_for_the_server_can_be_ended_a_limit_can_not(
    owner_client: Client, url: Callable[..., str], relay: Relay
) -> None:
    until = timezone.now() + timedelta(minutes=1)
    health.wait(relay, "connection", until, "refused")
    Relay.objects.update(failures=3)
    page = owner_client.get(url("relay", relay.pk)).content.decode()
    assert "could not be reached" in page
    owner_client.post(url("try_relay_now", relay.pk))
    relay.refresh_from_db()
    assert (relay.wait_until, relay.failures) == (None, 0)

    health.wait(relay, "per_day", timezone.now() + timedelta(hours=1))
    assert "Try now" not in owner_client.get(url("relay", relay.pk)).content.decode()
    owner_client.post(url("try_relay_now", relay.pk))
    relay.refresh_from_db()
    assert relay.wait_until is not None


def test_a_relay_in_use_is_not_archived(
    owner_client: Client,
    url: Callable[..., str],
    relay: Relay,
    make_mailing: Callable[..., Mailing],
) -> None:
    pool = Pool.objects.create(workspace=relay.workspace, name="Both")
    PoolMember.objects.create(pool=pool, relay=relay)
    mailing = make_mailing(pool=pool)
    answer = owner_client.post(url("archive_relay", relay.pk), follow=True)
    assert "can&#x27;t be archived" in answer.content.decode()
    assert Relay.objects.filter(pk=relay.pk, archived_at=None).exists()

    Mailing.objects.filter(pk=mailing.pk).update(state=Mailing.State.FINISHED)
    owner_client.post(url("archive_relay", relay.pk))
    relay.refresh_from_db()
    assert relay.archived_at is not None
    assert relay.state == Relay.State.PAUSED
    assert not pool.members.exists()
    assert owner_client.get(url("relays")).context["rows"] == []
    assert ">Main</a>" in owner_client.get(url("relays") + "?archived=1").content.decode()

    owner_client.post(url("archive_relay", relay.pk))
    back = Relay.objects.get(pk=relay.pk)
    assert (back.archived_at, back.state) == (None, Relay.State.PAUSED)


def test_the_sandbox_takes_limits_and_nothing_else(
    owner_client: Client, url: Callable[..., str], relay: Relay
) -> None:
    Relay.objects.update(managed_by="sandbox", delivers=False)
    typed = TYPED | {"host": "evil.example", "per_second": "2"}
    owner_client.post(url("edit_relay", relay.pk), typed)
    relay.refresh_from_db()
    assert (relay.host, relay.per_second, relay.per_day) == ("localhost", Decimal(2), 50000)
    assert owner_client.post(url("archive_relay", relay.pk)).status_code == 404


def test_the_test_shows_the_dialogue_and_what_is_wrong(
    owner_client: Client, url: Callable[..., str], relay: Relay
) -> None:
    habits = Habits(extensions=("AUTH PLAIN",), replies={"AUTH": b"535 5.7.8 No\r\n"})
    with serving(habits) as port:
        owner_client.post(
            url("edit_relay", relay.pk),
            TYPED
            | {
                "host": "localhost",
                "port": str(port),
                "security": "none",
                "bounce_address": "b@x.io",
                "untested": "on",
            },
        )
        page = owner_client.post(
            url("test_relay", relay.pk), {"from_email": "news@brand.example"}
        ).content.decode()
    assert "The server refuses this user and password." in page
    assert "535 5.7.8 No" in page
    assert "AUTH PLAIN ••••••••" in page
    assert "s3cret" not in page


def test_a_real_mail_goes_out_as_a_campaigns_would(
    owner_client: Client, url: Callable[..., str], relay: Relay
) -> None:
    habits = Habits()
    with serving(habits) as port:
        Relay.objects.update(port=port)
        page = owner_client.post(
            url("test_relay", relay.pk),
            {"from_email": "news@brand.example", "recipient": "me@brand.example", "mail": "on"},
        ).content.decode()
    assert "the server took the mail" in page
    mail_from = next(line for line in habits.heard if line.startswith(b"MAIL"))
    assert mail_from.startswith(b"MAIL FROM:<bounces+")
    assert b"To: me@brand.example" in habits.mails[0]


def test_settings_are_tested_before_they_are_saved(
    owner_client: Client, url: Callable[..., str]
) -> None:
    with serving(Habits(extensions=("AUTH PLAIN",))) as port:
        typed = TYPED | {"host": "localhost", "port": str(port), "security": "none"}
        page = owner_client.post(url("try_relay"), typed | {"preset": "own"}).content.decode()
    assert "It works." in page
    assert not Relay.objects.exists()


def test_replies_are_grouped_by_the_servers_words(
    owner_client: Client,
    url: Callable[..., str],
    relay: Relay,
    make_mailing: Callable[..., Mailing],
    workspace: Workspace,
) -> None:
    mailing = make_mailing(relay)
    states = [
        (Message.State.FAILED, "550 5.1.1 <a@x.io> unknown"),
        (Message.State.FAILED, "550 5.1.1 <b@x.io> unknown"),
        (Message.State.WAITING, "451 4.7.1 later"),
        (Message.State.ACCEPTED, "250 ok"),
    ]
    Message.objects.bulk_create(
        Message(
            mailing=mailing,
            contact_id=number,
            address=f"{number}@x.io",
            state=state,
            reply=reply,
            relay_id=relay.pk,
            retry_at=timezone.now() if state == Message.State.WAITING else None,
            settled_at=None if state == Message.State.WAITING else timezone.now(),
        )
        for number, (state, reply) in enumerate(states)
    )
    said = owner_client.get(url("relay", relay.pk)).context["replies"]
    assert [(one.state, one.count) for one in said] == [("failed", 2), ("waiting", 1)]


def test_a_viewer_sees_relays_and_changes_none(
    workspace: Workspace, url: Callable[..., str], relay: Relay, make_member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    page = client.get(url("relay", relay.pk)).content.decode()
    assert "Test this relay" not in page
    assert client.post(url("test_relay", relay.pk)).status_code == 403
    assert client.post(url("pause_relay", relay.pk)).status_code == 403


def test_a_contacts_timeline_has_its_mails_and_events(
    workspace: Workspace, relay: Relay, make_mailing: Callable[..., Mailing]
) -> None:
    contact = Contact.objects.create(workspace=workspace, email="ann@x.io")
    now = timezone.now()
    mailing = make_mailing(relay)
    message = Message.objects.create(
        mailing=mailing,
        contact_id=contact.pk,
        address=contact.email,
        state=Message.State.ACCEPTED,
        reply="250 2.0.0 taken",
        settled_at=now - timedelta(minutes=5),
    )
    Event.objects.create(mailing=mailing, message=message, kind=Event.Kind.OPENED, at=now)
    found = [entry for entry in timeline.entries(contact) if entry.source == Source("campaign", 7)]
    assert [str(entry.title) for entry in found] == [
        "Opened: mail “Hello … 你好”",
        "Mail “Hello … 你好”: Accepted",
    ]
    assert found[1].words == "250 2.0.0 taken"
