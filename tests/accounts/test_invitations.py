"""Invitations: sent by mail, accepted once, by the person they are for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, Membership, User, Workspace
from accounts.permissions import Role
from tests.accounts.conftest import Read, link_in, words
from tests.conftest import PASSWORD
from tests.mailservers.sink import Sink

pytestmark = pytest.mark.django_db

Make = Callable[..., User]
NEWCOMER = {"name": "Ann", "password": PASSWORD, "timezone": "Europe/Berlin", "language": ""}


def invite(client: Client, email: str = "ann@brand.example", role: str = "editor") -> str:
    url = reverse("invite_member", args=["brand"])
    return words(client.post(url, {"email": email, "role": role}, follow=True))


def act(client: Client, name: str) -> str:
    url = reverse(name, args=["brand", Invitation.objects.get().pk])
    return words(client.post(url, follow=True))


@pytest.fixture
def link(owner: User, owner_client: Client, read: Read) -> str:
    """Of an invitation as an editor, for ann@brand.example."""
    User.objects.filter(pk=owner.pk).update(name="王伟")
    assert "The invitation was sent to ann@brand.example." in invite(owner_client)
    return link_in(read(0)[2])


def test_a_newcomer_makes_an_account_and_arrives(link: str, nobody: Client, read: Read) -> None:
    to, subject, text = read(0)
    assert (to, subject) == ("ann@brand.example", "王伟 invites you to Brand on Yanshu")
    assert "within 7 days" in text
    page = words(nobody.get(link))
    assert "王伟 invites you to Brand. Your role: Editor." in page
    answer = nobody.post(link, NEWCOMER)
    ann = User.objects.get(email="ann@brand.example")
    assert (ann.name, ann.timezone, ann.can_create_workspaces) == ("Ann", "Europe/Berlin", False)
    assert Membership.objects.get(user=ann).role == Role.EDITOR
    assert nobody.get(answer.headers["Location"]).status_code == 200
    # Once.
    assert Client().get(link).status_code == 404
    assert Client().post(link, NEWCOMER).status_code == 404


def test_only_a_digest_is_kept(link: str) -> None:
    token = link.strip("/").split("/")[-1]
    kept = Invitation.objects.values().get()
    assert token not in str(kept)
    assert len(kept["token_digest"]) == 64


def test_a_weak_password_is_refused_and_what_was_typed_stays(link: str, nobody: Client) -> None:
    page = words(nobody.post(link, {**NEWCOMER, "password": "ann@brand"}))
    assert 'aria-invalid="true"' in page
    assert 'value="Europe/Berlin"' in page
    assert not User.objects.filter(email="ann@brand.example").exists()


def test_somebody_with_an_account_logs_in_and_joins(link: str, nobody: Client) -> None:
    ann = User.objects.create_user("ann@brand.example", PASSWORD)
    page = words(nobody.get(link))
    assert f"/login/?next={link}" in page
    assert nobody.post(link, NEWCOMER).status_code == 200
    assert User.objects.filter(email="ann@brand.example").count() == 1
    arrived = nobody.post(
        "/login/", {"login": ann.email, "password": PASSWORD, "next": link}, follow=True
    )
    assert "Join Brand" in words(arrived)
    assert not Membership.objects.filter(user=ann).exists()
    nobody.post(link)
    assert Membership.objects.get(user=ann).role == Role.EDITOR


def test_a_wrong_account_is_told_so(link: str, stranger_client: Client) -> None:
    for page in (words(stranger_client.get(link)), words(stranger_client.post(link))):
        assert "It was sent to ann@brand.example, and you are logged in as" in page
    assert Invitation.objects.get().accepted_at is None
    assert Membership.objects.filter(workspace__slug="brand").count() == 1
    # Logging out from there leads back to the invitation.
    answer = stranger_client.post("/logout/", {"next": link})
    assert answer.headers["Location"] == link


def test_expired(link: str, nobody: Client) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    answer = nobody.post(link, NEWCOMER)
    assert answer.status_code == 410
    assert "Ask 王伟 to send it again" in words(answer)
    assert not User.objects.filter(email="ann@brand.example").exists()


def test_sent_again_the_old_link_ends(
    link: str, owner_client: Client, nobody: Client, read: Read
) -> None:
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert "A new link was sent to ann@brand.example." in act(owner_client, "resend_invitation")
    fresh = link_in(read(1)[2])
    assert nobody.get(link).status_code == 404
    assert nobody.get(fresh).status_code == 200
    left = Invitation.objects.get().expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_withdrawn(link: str, owner_client: Client, nobody: Client) -> None:
    assert "its link no longer works" in act(owner_client, "withdraw_invitation")
    assert nobody.post(link, NEWCOMER).status_code == 404
    assert not Invitation.objects.exists()


def test_inviting_again_changes_the_role_of_the_one_invitation(
    link: str, owner_client: Client
) -> None:
    invite(owner_client, "Ann@Brand.Example", "viewer")
    assert Invitation.objects.get().role == Role.VIEWER


def test_a_member_is_not_invited(owner: User, owner_client: Client) -> None:
    assert "is a member already." in invite(owner_client, owner.email)
    assert not Invitation.objects.exists()


@pytest.mark.usefixtures("mails")
def test_a_manager_invites_no_owner(
    owner_client: Client, workspace: Workspace, make_member: Make, nobody: Client, mails: Sink
) -> None:
    nobody.force_login(make_member(workspace, Role.MANAGER))
    invite(nobody, role="owner")
    assert not Invitation.objects.exists()
    invite(owner_client, role="owner")
    assert "Only an owner" in act(nobody, "resend_invitation")
    assert len(mails.mails) == 1


@pytest.mark.usefixtures("mail_server_away")
def test_mail_server_away_keeps_the_invitation(owner_client: Client) -> None:
    page = invite(owner_client)
    assert "The invitation is saved. The mail could not be sent" in page
    assert "ann@brand.example" in page
    assert "The mail could not be sent" in act(owner_client, "resend_invitation")


def test_an_address_that_the_mail_server_refuses(owner_client: Client, mails: Sink) -> None:
    assert "refuses this address" in invite(owner_client, "reject@brand.example")
    assert not mails.mails


def test_the_mail_is_in_the_language_of_the_account(owner_client: Client, read: Read) -> None:
    User.objects.create_user("ann@brand.example", PASSWORD, language="zh-hans")
    invite(owner_client)
    assert "邀请" in read(0)[1]


def test_without_a_mail_server_the_page_says_where_the_invitation_is(
    owner_client: Client, owner: User, settings: Any
) -> None:
    settings.SANDBOX = True
    page = invite(owner_client)
    assert "The invitation for ann@brand.example is among the mails of the platform." in page
    assert "No mail server is set" in page
    assert ("Read them" in page) is owner.can_create_workspaces
    done = words(owner_client.get(reverse("account_reset_password_done")))
    assert "No mail server is set" in done


def test_whoever_guesses_links_does_not_keep_the_invited_out(link: str) -> None:
    for number in range(50):
        assert Client().post(f"/invitations/{number:043}/", NEWCOMER).status_code == 404
    assert "Welcome to Brand." in words(Client().post(link, NEWCOMER, follow=True))
