"""Suppressions of the whole installation: whoever runs it adds and lifts them."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from contacts.models import Suppression
from contacts.queries import mailable
from tests.contacts.test_pages import undo

pytestmark = pytest.mark.django_db

EMAIL = "lee@x.example"


@pytest.fixture
def operator_client(make_member: Callable[..., User], other_workspace: Workspace) -> Client:
    operator = make_member(other_workspace, email="ops@brand.example")
    operator.can_create_workspaces = True
    operator.save()
    client = Client()
    client.force_login(operator)
    return client


def send(client: Client, name: str, *args: int, **data: str) -> str:
    answer = client.post(reverse(name, args=args), data, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_it_holds_in_every_workspace(
    operator_client: Client, workspace: Workspace, other_workspace: Workspace
) -> None:
    page = send(operator_client, "add_installation_suppressions", lines=f"{EMAIL}\nx y")
    assert "Line 2: “x y”." in page
    page = send(
        operator_client, "add_installation_suppressions", lines=EMAIL, detail="Court order 7"
    )
    assert "Court order 7" in page
    for one in (workspace, other_workspace):
        assert mailable.stopped_among(one, [EMAIL]) == {EMAIL}
    pk = Suppression.objects.get(workspace=None).pk
    assert "may send mail there again" in send(operator_client, "lift_installation_suppression", pk)
    assert not mailable.stopped_among(workspace, [EMAIL])


def test_patterns_are_confirmed_and_undone(operator_client: Client, workspace: Workspace) -> None:
    given = {"lines": "lee*@*"}
    page = send(operator_client, "add_installation_suppressions", **given)
    assert 'name="confirmed"' in page
    assert not Suppression.objects.exists()
    page = send(operator_client, "add_installation_suppressions", **given, confirmed="lee*@*")
    assert mailable.stopped_among(workspace, [EMAIL]) == {EMAIL}
    assert "1 suppression removed." in undo(operator_client, page)
    assert not Suppression.objects.exists()


def test_search_and_export(operator_client: Client) -> None:
    send(operator_client, "add_installation_suppressions", lines=f"{EMAIL}\nb.example")
    page = operator_client.get(reverse("installation_suppressions"), {"q": "b.ex"})
    assert "@b.example" in page.content.decode()
    assert EMAIL not in page.content.decode()
    file = operator_client.get(reverse("export_installation_suppressions"))
    assert EMAIL in b"".join(file.streaming_content).decode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "name",
    [
        "installation_suppressions",
        "add_installation_suppressions",
        "undo_installation_suppressions",
        "export_installation_suppressions",
    ],
)
def test_only_for_those_who_run_it(owner_client: Client, name: str, method: str) -> None:
    """An owner of a workspace is not enough."""
    answer = getattr(owner_client, method)(reverse(name))
    assert answer.status_code in {403, 405}
    logged_out = getattr(Client(), method)(reverse(name))
    assert logged_out.status_code in {302, 405}
    if logged_out.status_code == 302:
        assert parse_qs(urlsplit(logged_out["Location"]).query)["next"] == [reverse(name)]


def test_nobody_else_lifts_one(owner_client: Client, workspace: Workspace) -> None:
    one = Suppression.objects.create(kind="address", value=EMAIL, reason="manual")
    url = reverse("lift_installation_suppression", args=[one.pk])
    assert owner_client.post(url).status_code == 403
    assert mailable.stopped_among(workspace, [EMAIL])


def test_the_operator_page_lifts_none_of_a_workspace(
    operator_client: Client, workspace: Workspace
) -> None:
    one = Suppression.objects.create(
        workspace=workspace, kind="address", value=EMAIL, reason="manual"
    )
    url = reverse("lift_installation_suppression", args=[one.pk])
    assert operator_client.post(url).status_code == 404
