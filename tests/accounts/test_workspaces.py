"""Workspaces: new, settings, deleting with all they hold."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.db import connection, transaction
from django.db.models import CASCADE, PROTECT, ForeignKey
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from accounts.services import erasing, workspaces
from contacts.models import Contact, List, Subscription
from designs.models import Content, Design
from pages import activity
from relays.models import Relay
from tests import factories
from tests.accounts.conftest import words
from tests.accounts.filling import Filler
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

Make = Callable[..., User]
SETTINGS = {
    "name": "Brand & Co",
    "slug": "brand-co",
    "timezone": "Asia/Shanghai",
    "from_name": "雁书",
    "from_email": "hello@brand.example",
    "postal_address": "1 Road\nTown",
    "brand_color": "#1f6f78",
    "open_counting": "totals",
    "default_market": "cn",
}


@pytest.fixture
def creator_client(nobody: Client) -> Client:
    user = User.objects.create_user("new@x.example", PASSWORD, can_create_workspaces=True)
    nobody.force_login(user)
    return nobody


def test_new_workspace(creator_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    equipped: list[str] = []
    monkeypatch.setattr(workspaces, "on_created", [lambda w: equipped.append(w.slug)])
    for _ in range(2):
        answer = creator_client.post(
            "/workspaces/new/", {"name": "Été 2026", "timezone": "Europe/Paris"}
        )
        assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/w/ete-2026-2/")
    assert equipped == ["ete-2026", "ete-2026-2"]
    assert set(Membership.objects.values_list("role", flat=True)) == {Role.OWNER}


def test_a_name_without_latin_letters_gets_a_short_name(creator_client: Client) -> None:
    creator_client.post("/workspaces/new/", {"name": "雁书", "timezone": "UTC"})
    assert Workspace.objects.get().slug == "workspace"


def test_only_who_may_makes_workspaces(owner_client: Client) -> None:
    assert owner_client.get("/workspaces/new/").status_code == 403
    answer = owner_client.post("/workspaces/new/", {"name": "X", "timezone": "UTC"})
    assert answer.status_code == 403
    assert Workspace.objects.count() == 1


def test_settings(owner_client: Client, workspace: Workspace) -> None:
    answer = owner_client.post("/w/brand/settings/", SETTINGS)
    assert answer.headers["Location"] == "/w/brand-co/settings/"
    workspace.refresh_from_db()
    for name, value in SETTINGS.items():
        assert getattr(workspace, name).replace("\r\n", "\n") == value
    assert owner_client.get("/w/brand/settings/").status_code == 404
    assert "--workspace: #1f6f78" in words(owner_client.get("/w/brand-co/settings/"))


def test_a_workspace_begins_with_consent_and_no_choice_keeps_it(
    owner_client: Client, workspace: Workspace
) -> None:
    assert workspace.open_counting == "consent"
    shown = words(owner_client.get("/w/brand/settings/"))
    assert "Only people who have agreed to it." in shown
    others = {name: value for name, value in SETTINGS.items() if name != "open_counting"}
    assert owner_client.post("/w/brand/settings/", others).status_code == 302
    workspace.refresh_from_db()
    assert workspace.open_counting == "consent"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("slug", "other", "Another workspace has this short name."),
        ("slug", "Über uns", "Use lowercase letters a to z, digits and single dashes"),
        ("slug", "brand\n", ""),
        ("brand_color", "red;}body{display:none", "at most 7 characters"),
        ("brand_color", "#12345g", "Write it as # and six digits"),
        ("open_counting", "always", "Select a valid choice."),
        ("default_market", "mars", "Select a valid choice."),
        ("timezone", "Mars/Base", "Choose a time zone from the list"),
        ("from_email", "nobody", "Enter a complete e-mail address, such as name@company.com."),
        ("name", "", "This field is required."),
    ],
)
def test_settings_that_are_refused(
    owner_client: Client, other_workspace: Workspace, field: str, value: str, sentence: str
) -> None:
    answer = owner_client.post("/w/brand/settings/", {**SETTINGS, field: value})
    if sentence:
        assert answer.status_code == 200
        assert sentence in words(answer)
        assert "hello@brand.example" in words(answer) or field == "from_email"
        assert Workspace.objects.filter(name="Brand", slug="brand").exists()
    else:
        assert Workspace.objects.filter(slug="brand").exists()
    assert other_workspace.slug == "other"


# Deleting ----------------------------------------------------------------------------------------


def fill(workspace: Workspace) -> None:
    """A contact on a list, and a mailing that protects its content and relay."""
    contact = Contact.objects.create(workspace=workspace, email="a@x.example")
    news = List.objects.create(workspace=workspace, name="News")
    Subscription.objects.create(list=news, contact=contact)
    relay = Relay.objects.create(workspace=workspace, name="Post", host="127.0.0.1", port=1)
    design = Design.objects.create(workspace=workspace, name="Spring", html="<p>")
    content = Content.objects.create(workspace=workspace, design=design, subject="S", html="<p>")
    factories.make_mailing(workspace, content=content, relay=relay, retry_for=timedelta(hours=1))


def held(workspace_id: int) -> int:
    return sum(
        model._base_manager.filter(**{way: workspace_id}).count()
        for model, way in erasing.erasing_order()
    )


def test_deleting_shows_numbers_and_wants_the_short_name(
    owner_client: Client, workspace: Workspace
) -> None:
    fill(workspace)
    page = words(owner_client.get("/w/brand/settings/delete/"))
    for what in ("Contacts", "Lists", "Designs"):
        assert f"<dt>{what}</dt><dd>1</dd>" in page
    assert "<dt>Campaigns" not in page
    refused = words(owner_client.post("/w/brand/settings/delete/", {"slug": "Brand"}))
    assert "Type brand to delete the workspace." in refused
    assert Membership.objects.exists()


def test_deleted_and_erased(
    owner: User,
    owner_client: Client,
    workspace: Workspace,
    other_workspace: Workspace,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    fill(workspace)
    fill(other_workspace)
    kept = held(other_workspace.pk)
    with django_capture_on_commit_callbacks() as nudges:
        page = words(owner_client.post("/w/brand/settings/delete/", {"slug": "brand"}, follow=True))
    assert "Brand is deleted." in page
    assert owner_client.get("/w/brand/members/").status_code == 404
    # Log lines that wait for the commit are partial functions.
    assert sum(not isinstance(one, partial) for one in nudges) == 1
    assert workspaces.deleted() == [workspace.pk]
    Workspace.objects.create(name="New", slug="brand")
    erasing.erase(workspace.pk)
    erasing.erase(workspace.pk)
    assert not Workspace.objects.filter(pk=workspace.pk).exists()
    assert held(workspace.pk) == 0
    assert held(other_workspace.pk) == kept
    assert kept >= 8
    assert User.objects.filter(pk=owner.pk).exists()


def test_erases_nothing_that_is_not_deleted(workspace: Workspace) -> None:
    fill(workspace)
    erasing.erase(workspace.pk)
    assert held(workspace.pk) == 8


def test_a_table_is_erased_before_those_that_it_refers_to() -> None:
    order = [model for model, _way in erasing.erasing_order()]
    for model in order:
        for field in model._meta.get_fields():
            if isinstance(field, ForeignKey) and field.remote_field.on_delete in {CASCADE, PROTECT}:
                target = field.related_model
                if target in order and target is not model:
                    assert order.index(model) < order.index(target), (model, target)


def test_a_workspace_with_rows_in_every_table_is_erased(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    somebody = User.objects.create_user("somebody@x.example", PASSWORD)
    for one in (workspace, other_workspace):
        Filler(one, somebody).fill()
    tables = erasing.erasing_order()
    for model, way in tables:
        assert model._base_manager.filter(**{way: workspace.pk}).exists(), model
    kept = held(other_workspace.pk)
    workspaces.delete(workspace)
    with connection.cursor() as cursor:
        # As if each statement were committed alone, as outside of tests.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    erasing.erase(workspace.pk)
    assert not Workspace.objects.filter(pk=workspace.pk).exists()
    assert held(workspace.pk) == 0
    assert held(other_workspace.pk) == kept >= len(tables)


def test_batches(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "BATCH", 3)
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"{n}@x.example") for n in range(10)
    )
    with transaction.atomic():
        workspaces.delete(workspace)
    erasing.erase(workspace.pk)
    assert not Contact.objects.exists()


def test_nothing_is_deleted_while_something_runs(
    owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = activity.Task("send-1", "Spring sale", "/w/brand/x/")
    monkeypatch.setattr(activity, "contributors", [lambda _request: [task]])
    page = words(owner_client.post("/w/brand/settings/delete/", {"slug": "brand"}))
    assert "Spring sale" in page
    assert Membership.objects.exists()
