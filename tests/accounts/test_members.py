"""Members, their roles, and who may change what."""

import threading
from collections.abc import Callable

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse

from accounts.exceptions import MemberError
from accounts.models import Membership, User, Workspace
from accounts.permissions import ALLOWED, WORDS, Permission, Role
from accounts.services import members
from tests.accounts.conftest import words

pytestmark = pytest.mark.django_db

Make = Callable[..., User]


def membership(user: User) -> Membership:
    return Membership.objects.get(user=user, workspace__slug="brand")


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, name: str, *args: int, **data: str) -> str:
    return words(client.post(reverse(name, args=["brand", *args]), data, follow=True))


def test_everybody_sees_who_works_here_and_what_roles_may_do(
    owner: User, workspace: Workspace, make_member: Make
) -> None:
    viewer = make_member(workspace, Role.VIEWER)
    page = words(client_of(viewer).get("/w/brand/members/"))
    assert owner.email in page
    assert page.count('class="visually-hidden">yes<') == sum(map(len, ALLOWED.values()))
    for text in WORDS.values():
        assert str(text) in page
    assert "/members/invite/" not in page
    assert page.count('data-dialog="leave"') == 1


def test_every_permission_has_words() -> None:
    assert set(WORDS) == set(Permission)


def test_change_of_a_role(owner_client: Client, workspace: Workspace, make_member: Make) -> None:
    editor = make_member(workspace, Role.EDITOR)
    page = post(owner_client, "member", membership(editor).pk, role="manager")
    assert "is now: Manager." in page
    assert membership(editor).role == Role.MANAGER


def test_the_last_owner_stays(owner: User, owner_client: Client) -> None:
    mine = membership(owner)
    needs = "The workspace needs an owner."
    assert needs in post(owner_client, "member", mine.pk, role="viewer")
    assert needs in post(owner_client, "remove_member", mine.pk)
    assert needs in post(owner_client, "leave_workspace")
    assert membership(owner).role == Role.OWNER


def test_an_owner_leaves_when_there_is_another(
    owner: User, owner_client: Client, workspace: Workspace, make_member: Make
) -> None:
    make_member(workspace, Role.OWNER, "second@brand.example")
    assert "You left Brand." in post(owner_client, "leave_workspace")
    assert not Membership.objects.filter(user=owner).exists()
    assert owner_client.get("/w/brand/members/").status_code == 404
    assert User.objects.filter(pk=owner.pk).exists()


def test_a_manager_neither_makes_nor_unmakes_owners(
    owner: User, workspace: Workspace, make_member: Make
) -> None:
    make_member(workspace, Role.OWNER, "second@brand.example")
    client = client_of(make_member(workspace, Role.MANAGER))
    editor = membership(make_member(workspace, Role.EDITOR))
    post(client, "member", editor.pk, role="owner")
    assert Membership.objects.get(pk=editor.pk).role == Role.EDITOR
    only = "Only an owner can change or remove an owner."
    assert only in post(client, "member", membership(owner).pk, role="viewer")
    assert only in post(client, "remove_member", membership(owner).pk)
    assert membership(owner).role == Role.OWNER
    assert 'value="owner"' not in words(client.get(f"/w/brand/members/{editor.pk}/"))
    assert "no longer a member" in post(client, "remove_member", editor.pk)


def test_services_hold_the_rules_without_the_pages(workspace: Workspace, make_member: Make) -> None:
    manager = membership(make_member(workspace, Role.MANAGER))
    editor = membership(make_member(workspace, Role.EDITOR))
    viewer = membership(make_member(workspace, Role.VIEWER))
    with pytest.raises(MemberError, match="Only an owner"):
        members.change_role(editor, Role.OWNER, by=manager)
    with pytest.raises(MemberError, match="role does not allow"):
        members.change_role(viewer, Role.EDITOR, by=editor)
    with pytest.raises(MemberError, match="role does not allow"):
        members.remove(viewer, by=editor)


def test_two_owners_who_remove_each_other_leave_one(transactional_db: None) -> None:
    workspace = Workspace.objects.create(name="Brand", slug="brand")
    both = [
        Membership.objects.create(
            workspace=workspace,
            user=User.objects.create_user(f"o{n}@brand.example", "x"),
            role=Role.OWNER,
        )
        for n in range(2)
    ]
    barrier = threading.Barrier(2)
    refused: list[MemberError] = []

    def remove(mine: Membership, other: Membership) -> None:
        barrier.wait()
        try:
            members.remove(other, by=mine)
        except MemberError as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=remove, args=pair) for pair in (both, list(reversed(both)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Membership.objects.filter(role=Role.OWNER).count() == 1
    assert len(refused) == 1


def test_members_of_another_workspace_are_out_of_reach(
    owner_client: Client, other_workspace: Workspace, make_member: Make
) -> None:
    theirs = Membership.objects.get(user=make_member(other_workspace, Role.EDITOR))
    for name in ("member", "remove_member"):
        url = reverse(name, args=["brand", theirs.pk])
        assert owner_client.post(url, {"role": "viewer"}).status_code == 404
    assert Membership.objects.get(pk=theirs.pk).role == Role.EDITOR
