"""One value of a contact, changed where it is shown."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from accounts.permissions import Role
from contacts.models import Attribute, Contact
from contacts.services import attributes
from tests.factories import make_contact

pytestmark = pytest.mark.django_db
SEEN = 'name="seen" value="'


@pytest.fixture
def points(workspace: Workspace) -> Attribute:
    return attributes.add(workspace, label="Points", type_="number")


@pytest.fixture
def person(workspace: Workspace, points: Attribute) -> Contact:
    attributes.add(workspace, label="City", type_="text")
    return make_contact(workspace, "a@b.example", attributes={"points": 3, "city": "Bern"})


def url(person: Contact, attribute: Attribute) -> str:
    return f"/w/brand/contacts/{person.pk}/attributes/{attribute.pk}/"


def sent(client: Client, to: str, **given: object) -> str:
    return client.post(to, given, headers={"HX-Request": "true"}).content.decode()


def stored(person: Contact) -> dict[str, Any]:
    person.refresh_from_db()
    return dict(person.attributes)


def seen(page: str) -> str:
    return page.split(SEEN)[1].split('"', maxsplit=1)[0]


def test_one_value_is_saved(owner_client: Client, person: Contact, points: Attribute) -> None:
    before = person.updated_at
    assert ">5<" in sent(owner_client, url(person, points), value="5")
    assert stored(person) == {"points": 5, "city": "Bern"}
    assert person.updated_at > before
    sent(owner_client, url(person, points), value=" ")
    assert stored(person) == {"city": "Bern"}


def test_control_characters_are_left_out(owner_client: Client, person: Contact) -> None:
    city = Attribute.objects.get(key="city")
    sent(owner_client, url(person, city), value="\x07Zü\x1b\x02rich\x1f ")
    assert stored(person)["city"] == "Zürich"


def test_what_is_wrong_is_said_beside_it(
    owner_client: Client, person: Contact, points: Attribute
) -> None:
    page = sent(owner_client, url(person, points), value="many")
    assert "Enter a number, such as 12.5." in page
    assert 'value="many"' in page
    assert stored(person)["points"] == 3


def test_an_overtaken_change_says_so(
    owner_client: Client, person: Contact, points: Attribute
) -> None:
    to = url(person, points)
    opened = owner_client.get(to, headers={"HX-Request": "true"}).content.decode()
    sent(owner_client, to, value="4", seen=seen(opened))
    page = sent(owner_client, to, value="5", seen=seen(opened))
    assert "Somebody else saved changes" in page
    assert 'value="5"' in page
    assert stored(person)["points"] == 4
    sent(owner_client, to, value="5", seen=seen(page))
    assert stored(person)["points"] == 5


def test_a_change_of_another_value_is_no_conflict(
    owner_client: Client, workspace: Workspace, person: Contact, points: Attribute
) -> None:
    to = url(person, points)
    opened = owner_client.get(to, headers={"HX-Request": "true"}).content.decode()
    city = Attribute.objects.get(key="city")
    sent(owner_client, url(person, city), value="Chur")
    sent(owner_client, to, value="4", seen=seen(opened))
    assert stored(person) == {"points": 4, "city": "Chur"}


def test_given_up(owner_client: Client, person: Contact, points: Attribute) -> None:
    to = f"{url(person, points)}?show=1"
    page = owner_client.get(to, headers={"HX-Request": "true"}).content.decode()
    assert "<form" not in page
    assert ">3<" in page


def test_without_scripts(owner_client: Client, person: Contact, points: Attribute) -> None:
    page = owner_client.get(url(person, points)).content.decode()
    assert "<h1" in page
    answer = owner_client.post(url(person, points), {"value": "7"})
    assert answer["Location"] == f"/w/brand/contacts/{person.pk}/"
    assert stored(person)["points"] == 7


def test_who_may_not_edit_sees_no_link(
    workspace: Workspace, make_member: Any, person: Contact, points: Attribute
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    page = client.get(f"/w/brand/contacts/{person.pk}/").content.decode()
    assert "Bern" in page
    assert url(person, points) not in page


def test_another_workspace(
    owner_client: Client, other_workspace: Workspace, person: Contact, points: Attribute
) -> None:
    theirs = make_contact(other_workspace, "a@b.example")
    assert owner_client.post(url(theirs, points), {"value": "1"}).status_code == 404
    other = attributes.add(other_workspace, label="Points", type_="number")
    assert owner_client.post(url(person, other), {"value": "1"}).status_code == 404
