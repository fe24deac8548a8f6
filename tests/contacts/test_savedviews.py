"""Views of the table of contacts: who sees and changes them, what they keep, and one whose list,
tag or attribute was deleted."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts.models import Attribute, Contact, List, Tag
from contacts.segmentmodels import Segment
from contacts.services import savedviews as service
from contacts.tablemodels import SavedView, TableSettings
from tests.contacts.segments.scene import make_segment, when

pytestmark = pytest.mark.django_db
Clients = Callable[[Role], tuple[Client, User]]


def url(name: str, *args: int) -> str:
    return reverse(name, args=["brand", *args])


@pytest.fixture
def as_role(workspace: Workspace, make_member: Callable[..., User]) -> Clients:
    def as_role(role: Role) -> tuple[Client, User]:
        client, user = Client(), make_member(workspace, role, f"{role}-too@brand.example")
        client.force_login(user)
        return client, user

    return as_role


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    return [
        Contact.objects.create(
            workspace=workspace, email=f"{name}@{name}.example", attributes={"city": name}
        )
        for name in ("ann", "bob")
    ]


def make_view(workspace: Workspace, owner: User | None, **more: object) -> SavedView:
    given: dict[str, object] = {"name": "View", "parameters": {"domain": "ann.example"}} | more
    return SavedView.objects.create(workspace=workspace, owner=owner, **given)


def text(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_save_what_the_table_shows(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    service.choose_columns(workspace, owner, ["domain", "added"])
    query = "domain=ann.example&sort=email&after=forged&view=0&odd=1"
    form = owner_client.get(f"{url('new_view')}?{query}").content.decode()
    assert 'name="shared"' in form
    given = {"name": " Ann’s  people ", "query": query, "shared": "on", "begins": "on"}
    answer = owner_client.post(url("new_view"), given)
    view = SavedView.objects.get()
    assert (view.name, view.shared, view.owner) == ("Ann’s people", True, owner)
    assert view.parameters == {"domain": "ann.example", "sort": "email"}
    assert view.columns == ["domain", "added"]
    assert parse_qs(urlsplit(answer["Location"]).query) == {
        "domain": ["ann.example"],
        "sort": ["email"],
        "view": [str(view.pk)],
    }
    # The page begins with it.
    page = text(owner_client, url("contacts"))
    assert "ann@ann.example" in page
    assert "bob@bob.example" not in page
    assert f'name="view" value="{view.pk}"' in page


def test_show_everybody_in_spite_of_a_view_that_the_page_begins_with(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    service.begin_with(workspace, owner, make_view(workspace, owner))
    page = text(owner_client, f"{url('contacts')}?view=0")
    assert "bob@bob.example" in page
    assert f'href="{url("contacts")}?view=0"' in page
    # A filter that is taken back leads to no address without parameters.
    assert 'name="view" value="0"' in page


def test_a_name_is_used_once(workspace: Workspace, owner: User, owner_client: Client) -> None:
    make_view(workspace, owner, name="Mine")
    make_view(workspace, None, name="Ours", shared=True)
    for name, shared, refused in (
        ("Mine", "", True),
        ("Ours", "on", True),
        ("Mine", "on", False),
        ("Ours", "", False),
    ):
        given = {"name": name, "query": "", "shared": shared} if shared else {"name": name}
        answer = owner_client.post(url("new_view"), given)
        assert (answer.status_code == 200) == refused
        if refused:
            assert "There is a view with this name already." in answer.content.decode()
            assert f'value="{name}"' in answer.content.decode()


def test_the_number_of_views_is_bounded(
    workspace: Workspace, owner: User, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST", 1)
    make_view(workspace, owner)
    answer = owner_client.post(url("new_view"), {"name": "More"})
    assert "There are 1 views already." in answer.content.decode()


def test_a_private_view_is_nobody_elses(
    workspace: Workspace, owner: User, people: list[Contact], as_role: Clients
) -> None:
    mine = make_view(workspace, owner, name="Secret")
    client, _user = as_role(Role.OWNER)
    assert "Secret" not in text(client, url("saved_views"))
    assert "Secret" not in text(client, url("contacts"))
    for name in ("edit_view", "delete_view", "keep_view", "begin_with_view"):
        assert client.post(url(name, mine.pk), {"name": "Taken"}).status_code == 404
    # Its address alone shows nobody, rather than everybody.
    page = text(client, f"{url('contacts')}?view={mine.pk}")
    assert "This view was deleted" in page
    assert "bob@bob.example" not in page


def test_a_viewer_has_views_but_shares_none(
    workspace: Workspace, owner: User, as_role: Clients
) -> None:
    client, viewer = as_role(Role.VIEWER)
    assert 'name="shared"' not in client.get(url("new_view")).content.decode()
    client.post(url("new_view"), {"name": "Mine", "shared": "on", "query": "q=x"})
    mine = SavedView.objects.get(name="Mine")
    assert (mine.owner, mine.shared) == (viewer, False)
    ours = make_view(workspace, owner, name="Ours", shared=True)
    assert "Ours" in text(client, url("saved_views"))
    for name in ("edit_view", "delete_view", "keep_view"):
        assert client.post(url(name, ours.pk), {"name": "Theirs"}).status_code == 403
    client.post(url("begin_with_view", ours.pk))
    assert TableSettings.objects.get(user=viewer).default_view == ours
    client.post(url("begin_with_view", ours.pk), {"stop": "1"})
    assert TableSettings.objects.get(user=viewer).default_view is None


def test_an_editor_changes_what_is_shared(
    workspace: Workspace, owner: User, as_role: Clients
) -> None:
    view = make_view(workspace, owner, shared=True)
    client, _editor = as_role(Role.EDITOR)
    client.post(url("edit_view", view.pk), {"name": "Renamed", "shared": "on"})
    client.post(url("keep_view", view.pk), {"query": "status=none&view=7&after=x"})
    view.refresh_from_db()
    assert (view.name, view.parameters) == ("Renamed", {"status": "none"})
    client.post(url("edit_view", view.pk), {"name": "Renamed"})
    view.refresh_from_db()
    # It is private now, and the owner's.
    assert (view.shared, view.owner) == (False, owner)
    assert client.get(url("edit_view", view.pk)).status_code == 404


def test_a_shared_view_of_an_account_that_is_gone(
    workspace: Workspace, owner_client: Client, owner: User
) -> None:
    view = make_view(workspace, None, shared=True)
    owner_client.post(url("edit_view", view.pk), {"name": "View"})
    view.refresh_from_db()
    assert (view.shared, view.owner) == (False, owner)


def test_the_view_that_the_page_begins_with_became_private(
    workspace: Workspace, owner: User, people: list[Contact], as_role: Clients
) -> None:
    client, user = as_role(Role.VIEWER)
    view = make_view(workspace, owner, shared=True)
    service.begin_with(workspace, user, view)
    assert "bob@bob.example" not in text(client, url("contacts"))
    SavedView.objects.update(shared=False)
    assert "bob@bob.example" in text(client, url("contacts"))


def test_delete(workspace: Workspace, owner: User, owner_client: Client) -> None:
    view = make_view(workspace, owner)
    service.begin_with(workspace, owner, view)
    answer = owner_client.post(url("delete_view", view.pk), follow=True)
    assert "The view View is deleted." in answer.content.decode()
    assert TableSettings.objects.get().default_view is None
    assert owner_client.get(url("contacts")).status_code == 200


def test_changed_filters_can_be_kept(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    view = make_view(workspace, owner)
    same = text(owner_client, f"{url('contacts')}?{service.query(view)}")
    assert "Save the changes" not in same
    changed = text(owner_client, f"{url('contacts')}?domain=bob.example&view={view.pk}")
    assert "Save the changes" in changed
    assert url("keep_view", view.pk) in changed


@pytest.mark.parametrize("what", ["list", "tag", "segment", "attribute", "import"])
def test_what_a_view_is_about_was_deleted(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client, what: str
) -> None:
    made: dict[str, List | Tag | Segment | Attribute] = {
        "list": List.objects.create(workspace=workspace, name="News"),
        "tag": Tag.objects.create(workspace=workspace, name="VIP", key="vip"),
        "segment": make_segment(workspace, when("person", "domain", "is", "ann.example")),
        "attribute": Attribute.objects.create(workspace=workspace, key="city", label="City"),
    }
    says = {
        "list": "The list that this filter is about does not exist any more.",
        "tag": "The tag that this filter is about was deleted.",
        "segment": "The segment that this filter is about was deleted.",
        "attribute": "The attribute city does not exist any more.",
        "import": "The import that this filter is about was deleted.",
    }[what]
    one = made.get(what)
    number = str(one.pk) if one else "2000000000"
    parameters = {what: "city" if what == "attribute" else number}
    view = make_view(workspace, owner, parameters=parameters)
    if one:
        one.delete()
    page = text(owner_client, f"{url('contacts')}?view={view.pk}")
    assert says in page
    assert "ann@ann.example" not in page
    assert "bob@bob.example" not in page


def test_a_view_of_an_archived_list_keeps_its_filter(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    old = List.objects.create(workspace=workspace, name="Old", archived_at=owner.created_at)
    old.subscriptions.create(contact=people[0])
    page = text(owner_client, f"{url('contacts')}?list={old.pk}")
    assert f'<option value="{old.pk}" selected>Old</option>' in page
    assert "bob@bob.example" not in page


def test_columns_of_a_view_that_are_gone(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    view = make_view(workspace, owner, columns=["attribute:city", "added"])
    page = text(owner_client, f"{url('contacts')}?view={view.pk}")
    assert "Columns that do not exist any more are left out: city" in page
    assert "ann@ann.example" in page
