"""Log in and out, throttles, and the way back in by mail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import tokens
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from tests.accounts.conftest import Read, link_in, words
from tests.conftest import PASSWORD
from tests.mailservers.sink import Sink

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


@pytest.mark.parametrize(
    ("url", "field"), [("/login/", "login"), ("/password/reset/", "email"), ("", "email")]
)
def test_an_address_that_is_none(owner_client: Client, url: str, field: str) -> None:
    """Wherever an address is typed, the sentence is ours and says what to do."""
    client = Client() if url else owner_client
    url = url or reverse("invite_member", args=["brand"])
    page = words(client.post(url, {field: "wei@brand", "password": PASSWORD, "role": "editor"}))
    assert "Enter a complete e-mail address, such as name@company.com." in page


def test_wrong_password_and_unknown_address_read_the_same(owner: User, nobody: Client) -> None:
    pages = [log_in(nobody, owner.email, "wrong"), log_in(nobody, "x@brand.example", "wrong")]
    for page, email in zip(pages, [owner.email, "x@brand.example"], strict=True):
        assert "The address or the password is wrong." in page
        assert f'value="{email}"' in page
    assert not is_in(nobody)


def test_switched_off_account(owner: User, nobody: Client) -> None:
    User.objects.update(is_active=False)
    assert "This account is disabled." in log_in(nobody, owner.email)
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


def at(number: int, **more: Any) -> Client:
    """Somebody at another network address."""
    return Client(REMOTE_ADDR=f"10.{number >> 8}.{number & 255}.1", **more)


def tried(client: Client, email: str, count: int) -> int:
    """Tries so many wrong passwords; how many were looked at."""
    pages = [log_in(client, email, f"wrong {number}") for number in range(count)]
    return sum("Too many" not in page for page in pages)


@pytest.mark.slow
def test_a_stranger_locks_out_nobody_but_himself(owner: User, settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    stranger = at(0)
    assert tried(stranger, owner.email, 50) == 5
    # Another name of the site doesn't start the count anew.
    assert tried(at(0, HTTP_HOST="other.example"), owner.email.upper(), 1) == 0
    assert "Too many" in log_in(stranger, owner.email)
    assert not is_in(stranger)
    log_in(elsewhere := at(1), owner.email)
    assert is_in(elsewhere)


@pytest.mark.slow
def test_an_attack_from_many_addresses_is_bounded(owner: User) -> None:
    assert sum(tried(at(number), owner.email, 6) for number in range(30)) == 100
    assert tried(at(1000), owner.email, 1) == 0
    # Of no other account.
    User.objects.create_user("b@brand.example", PASSWORD)
    log_in(other := at(1000), "b@brand.example")
    assert is_in(other)


@pytest.mark.slow
def test_during_an_attack_the_owner_comes_in_from_where_they_were(owner: User) -> None:
    log_in(browser := at(500), owner.email)
    browser.post("/logout/")
    assert sum(tried(at(number), owner.email, 6) for number in range(20)) == 100
    # The same browser somewhere else, and another browser at the same place.
    browser.defaults["REMOTE_ADDR"] = "10.9.9.9"
    log_in(browser, owner.email)
    assert is_in(browser)
    log_in(office := at(500), owner.email)
    assert is_in(office)


def test_a_stranger_in_the_same_office_does_not_concern_a_known_browser(owner: User) -> None:
    log_in(browser := at(0), owner.email)
    browser.post("/logout/")
    tried(at(0), owner.email, 20)
    log_in(browser, owner.email)
    assert is_in(browser)


def test_a_known_browser_has_a_count_of_its_own(owner: User) -> None:
    log_in(browser := at(0), owner.email)
    browser.post("/logout/")
    assert tried(browser, owner.email, 12) == 10
    # It is known to one account only, and a forged one to none.
    User.objects.create_user("b@brand.example", PASSWORD)
    assert tried(browser, "b@brand.example", 7) == 5
    forged = at(1)
    forged.cookies["known"] = browser.cookies["known"].value + "x"
    assert tried(forged, owner.email, 7) == 5


def test_unknown_addresses_are_throttled_like_known_ones(owner: User) -> None:
    for email in (owner.email, "x@brand.example"):
        client = at(7 if email == owner.email else 8)
        pages = [log_in(client, email, "wrong").replace(email, "") for _ in range(7)]
        assert [("Too many" in page, "password is wrong" in page) for page in pages] == [
            (False, True)
        ] * 5 + [(True, False)] * 2


def test_an_unknown_address_costs_a_hash_too(nobody: Client, owner: User) -> None:
    """Measured in hashes: each takes the time that a log-in takes."""
    hasher = f"{MD5PasswordHasher.__module__}.{MD5PasswordHasher.__name__}.encode"
    counts = []
    for email in (owner.email, "x@brand.example"):
        with patch(hasher, autospec=True, side_effect=MD5PasswordHasher.encode) as encode:
            log_in(nobody, email, "wrong")
        counts.append(encode.call_count)
    assert counts == [1, 1]


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


def test_resets_are_throttled_and_say_always_the_same(owner: User, mails: Sink, read: Read) -> None:
    for _ in range(5):
        assert "Check your e-mail" in ask(Client(), owner.email)
    assert len(mails.mails) == 3
    for number in range(5):
        assert "Check your e-mail" in ask(at(number), owner.email)
    assert len(mails.mails) == 6
    # A stranger asked for all of them: what the owner needs lies in the mailbox.
    form = (browser := at(99)).get(link_in(read(5)[2]), follow=True)
    browser.post(form.redirect_chain[-1][0], {"password1": NEW})
    assert is_in(browser)


def test_a_mail_is_sent_after_the_answer(
    owner: User, nobody: Client, mails: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer does not wait for it: its time would tell that there is an account."""
    left: list[Callable[[], object]] = []
    monkeypatch.setattr("accounts.afterwards.run", left.append)
    pages = [ask(nobody, email) for email in (owner.email, "x@brand.example")]
    assert all("Check your e-mail" in page for page in pages)
    assert len(left) == 2
    assert mails.mails == []
    for work in left:
        work()
    assert [recipient for _s, recipient, _c in mails.mails] == [owner.email]


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
    assert "You are not a member of any workspace" in page
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
