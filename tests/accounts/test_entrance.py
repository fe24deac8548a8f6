"""Log in and out, throttles, and the way back in by mail."""

from datetime import timedelta

import pytest
from django.contrib.auth import tokens
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from tests.accounts.conftest import Read, link_in, words
from tests.conftest import PASSWORD
from tests.engine.sink import Sink

pytestmark = pytest.mark.django_db

NEW = "another horse battery"


def log_in(client: Client, email: str, password: str = PASSWORD, **more: str) -> str:
    answer = client.post("/login/", {"login": email, "password": password, **more}, follow=True)
    return words(answer)


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# Log in ------------------------------------------------------------------------------------------


def test_log_in_for_two_weeks_and_out_by_post(owner: User, nobody: Client) -> None:
    log_in(nobody, owner.email.upper())
    assert is_in(nobody)
    left = Session.objects.get().expire_date - timezone.now()
    assert timedelta(days=13, hours=23) < left <= timedelta(days=14)
    assert "You are logged in as" in words(nobody.get("/logout/"))
    assert is_in(nobody)
    nobody.post("/logout/")
    assert not is_in(nobody)


def test_wrong_password_and_unknown_address_read_the_same(owner: User, nobody: Client) -> None:
    pages = [log_in(nobody, owner.email, "wrong"), log_in(nobody, "x@brand.example", "wrong")]
    for page, email in zip(pages, [owner.email, "x@brand.example"], strict=True):
        assert "Address and password don&#x27;t belong together." in page
        assert f'value="{email}"' in page
    assert not is_in(nobody)


def test_switched_off_account(owner: User, nobody: Client) -> None:
    User.objects.update(is_active=False)
    assert "This account is switched off." in log_in(nobody, owner.email)
    assert not is_in(nobody)


def test_next_leads_on_but_never_away(owner: User, nobody: Client) -> None:
    sent = nobody.get("/w/brand/members/")
    assert sent.headers["Location"] == "/login/?next=/w/brand/members/"
    for target, arrived in [("/w/brand/members/", "/w/brand/members/"), ("//evil.example/", "/")]:
        client = Client()
        answer = client.post(
            "/login/", {"login": owner.email, "password": PASSWORD, "next": target}
        )
        assert answer.headers["Location"] == arrived


def test_throttle_of_one_account_from_anywhere(owner: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    for number in range(5):
        # Neither another network address nor another name of the site starts the count anew.
        client = Client(REMOTE_ADDR=f"10.0.0.{number}", HTTP_HOST=f"site{number}.example")
        assert "Too many" not in log_in(client, owner.email, "wrong")
    client = Client(REMOTE_ADDR="10.0.1.1")
    assert "Too many wrong passwords." in log_in(client, owner.email)
    assert not is_in(client)
    # Other accounts are not locked out by it.
    User.objects.create_user("b@brand.example", PASSWORD)
    log_in(client, "b@brand.example")
    assert is_in(client)


def test_throttle_of_one_network_address(owner: User) -> None:
    client = Client(REMOTE_ADDR="10.0.0.1")
    for number in range(10):
        assert "Too many" not in log_in(client, f"{number}@brand.example", "wrong")
    assert "Too many wrong passwords." in log_in(client, owner.email)
    log_in(elsewhere := Client(REMOTE_ADDR="10.0.0.2"), owner.email)
    assert is_in(elsewhere)


def test_posts_of_one_network_address_end_at_a_page_of_ours(nobody: Client) -> None:
    answers = [nobody.post("/login/", {"login": "no address"}) for _ in range(31)]
    assert [a.status_code for a in answers] == [200] * 30 + [429]
    assert "Too many tries" in words(answers[-1])


def test_right_passwords_are_not_counted(owner: User) -> None:
    for _ in range(7):
        client = Client()
        log_in(client, owner.email)
        assert is_in(client)


def test_a_forged_forwarded_address_does_not_help(owner: User, nobody: Client) -> None:
    for number in range(10):
        nobody.post(
            "/login/",
            {"login": f"{number}@x.example", "password": "wrong"},
            headers={"X-Forwarded-For": f"10.9.9.{number}"},
        )
    assert "Too many wrong passwords." in log_in(nobody, owner.email)


# A new password by mail --------------------------------------------------------------------------


def ask(client: Client, email: str) -> str:
    return words(client.post("/password/reset/", {"email": email}, follow=True))


def test_reset_by_mail(owner: User, nobody: Client, mails: Sink, read: Read) -> None:
    elsewhere = Client()
    log_in(elsewhere, owner.email)
    User.objects.update(name="王伟", language="zh-hans")
    assert "Check your e-mail" in ask(nobody, owner.email.upper())
    to, _subject, text = read(0)
    assert to == owner.email
    assert "王伟" in text
    assert len(mails.mails) == 1
    # The address of the key is left for one without it.
    form = nobody.get(link_in(text), follow=True)
    action = form.redirect_chain[-1][0]
    assert "set-password" in action
    refused = words(nobody.post(action, {"password1": "12345678"}))
    assert "aria-invalid" in refused
    arrived = nobody.post(action, {"password1": NEW}, follow=True)
    assert is_in(nobody)
    assert "/w/brand/" in arrived.redirect_chain[-1][0]
    # Whoever knew the old one is out, and the link is used up.
    assert "/login/" in elsewhere.get("/w/brand/members/").headers["Location"]
    assert "This link no longer works" in words(Client().get(link_in(text), follow=True))
    log_in(again := Client(), owner.email, NEW)
    assert is_in(again)


def test_mail_is_in_the_persons_language(owner: User, nobody: Client, read: Read) -> None:
    User.objects.update(language="zh-hans")
    ask(nobody, owner.email)
    assert "雁书" in read(0)[1]
    cache.clear()
    User.objects.update(language="")
    ask(nobody, owner.email)
    assert read(1)[1] == "Choose a new password for Yanshu"


def test_reset_says_the_same_for_an_address_without_account(
    owner: User, nobody: Client, mails: Sink
) -> None:
    known, unknown = ask(nobody, owner.email), ask(nobody, "x@brand.example")
    assert "Check your e-mail" in known
    assert "Check your e-mail" in unknown
    assert [recipient for _s, recipient, _c in mails.mails] == [owner.email]


def test_the_link_is_made_from_the_setting_not_from_the_host_header(
    owner: User, read: Read, settings: Settings
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    ask(Client(HTTP_HOST="evil.example"), owner.email)
    text = read(0)[2]
    assert "evil" not in text
    assert link_in(text).startswith("/password/reset/")


@pytest.mark.usefixtures("mail_server_away")
def test_mail_server_away_is_a_sentence(owner: User, nobody: Client) -> None:
    for email in (owner.email, "x@brand.example"):
        page = ask(nobody, email)
        assert "The mail could not be sent" in page
        assert f'value="{email}"' in page


@pytest.mark.usefixtures("mails")
def test_resets_are_throttled(owner: User) -> None:
    for _ in range(3):
        assert "Check your e-mail" in ask(Client(), owner.email)
    assert "Too many tries" in ask(Client(), owner.email)


def test_link_older_than_an_hour(
    owner: User, nobody: Client, mails: Sink, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(nobody, owner.email)
    link = link_in(read(0)[2])
    now = tokens.PasswordResetTokenGenerator._now
    monkeypatch.setattr(
        tokens.PasswordResetTokenGenerator, "_now", lambda self: now(self) + timedelta(minutes=61)
    )
    assert "This link no longer works" in words(nobody.get(link, follow=True))
    assert len(mails.mails) == 1


# The start page ----------------------------------------------------------------------------------


def test_start_for_nobody(nobody: Client) -> None:
    assert nobody.get("/").headers["Location"] == "/login/?next=/"


def test_start_without_a_workspace(nobody: Client) -> None:
    user = User.objects.create_user("a@x.example", PASSWORD)
    nobody.force_login(user)
    page = words(nobody.get("/"))
    assert "You belong to no workspace" in page
    assert "/workspaces/new/" not in page
    User.objects.update(can_create_workspaces=True)
    assert "/workspaces/new/" in words(nobody.get("/"))


def test_start_leads_to_the_workspace_last_used(
    owner: User, owner_client: Client, other_workspace: Workspace
) -> None:
    assert owner_client.get("/").headers["Location"].startswith("/w/brand/")
    Membership.objects.create(workspace=other_workspace, user=owner, role=Role.VIEWER)
    owner_client.get("/w/other/members/")
    owner_client.get("/w/brand/search/", headers={"HX-Request": "true"})
    assert owner_client.get("/").headers["Location"].startswith("/w/other/")
    Membership.objects.filter(workspace=other_workspace).delete()
    assert owner_client.get("/").headers["Location"].startswith("/w/brand/")


def test_nothing_else_of_allauth_is_there(owner_client: Client) -> None:
    for path in ("signup", "email", "inactive", "confirm-email", "reauthenticate"):
        for prefix in ("/", "/accounts/", "/account/"):
            assert owner_client.get(f"{prefix}{path}/").status_code == 404
