"""People, lists, attributes and suppressions through their pages."""

import csv
import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts.models import Attribute, Contact, Import, List, Subscription, Suppression
from contacts.provenance import BY_HAND, UNKNOWN, Source
from contacts.queries import people as people_query
from contacts.services import suppressions as suppression_service

pytestmark = pytest.mark.django_db

Post = Callable[..., str]


def url(name: str, *args: int) -> str:
    return reverse(name, args=["brand", *args])


@pytest.fixture
def get(owner_client: Client) -> Callable[..., str]:
    """The words of a page of the workspace."""

    def get(name: str, /, *args: int, **query: str) -> str:
        answer = owner_client.get(url(name, *args), query)
        assert answer.status_code == 200
        return str(answer.content.decode())

    return get


@pytest.fixture
def post(owner_client: Client) -> Post:
    """What the person sees after sending a form."""

    def post(name: str, /, *args: int, **data: object) -> str:
        answer = owner_client.post(url(name, *args), data, follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())

    return post


def undo(client: Client, page: str) -> str:
    """Press Undo of the toast on the page."""
    action = re.search(r'action="([^"]+\?token=[^"]+)"', page)
    assert action, "no undo is offered"
    answer = client.post(action[1], follow=True)
    return str(answer.content.decode())


@pytest.fixture
def news(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="News")


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    named = [
        ("ann@a.example", "Ann", "Lee"),
        ("bob@b.example", "", ""),
        ("王@c.example", "伟", "王"),
    ]
    return [
        Contact.objects.create(workspace=workspace, email=email, first_name=first, last_name=last)
        for email, first, last in named
    ]


# People ------------------------------------------------------------------------------------------


def test_nobody_yet(workspace: Workspace, get: Callable[..., str]) -> None:
    assert "Nobody is here yet" in get("contacts")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"q": "ANN"}, {"ann@a.example"}),
        ({"q": "lee ann"}, {"ann@a.example"}),
        ({"q": "王"}, {"王@c.example"}),
        ({"q": "100%"}, set()),
        ({"status": "subscribed"}, {"ann@a.example"}),
        ({"status": "unsubscribed"}, {"bob@b.example"}),
        ({"status": "none"}, {"王@c.example"}),
        ({"status": "suppressed"}, {"bob@b.example", "ann@a.example"}),
        ({"status": "subscribed", "q": "bob"}, set()),
    ],
)
def test_filters(  # noqa: PLR0917 - fixtures and cases
    workspace: Workspace,
    news: List,
    people: list[Contact],
    get: Callable[..., str],
    query: dict[str, str],
    shown: set[str],
) -> None:
    Subscription.objects.create(list=news, contact=people[0])
    Subscription.objects.create(list=news, contact=people[1], status="unsubscribed")
    for kind, value in (("address", "bob@b.example"), ("domain", "a.example")):
        suppression_service.suppress(
            workspace, value=value, kind=kind, reason="manual", source=BY_HAND
        )
    page = get("contacts", **query)
    assert {person.email for person in people if person.email in page} == shown
    on_list = get("contacts", list=str(news.pk), **query)
    assert {person.email for person in people if person.email in on_list} == shown - {
        "王@c.example"
    }


def test_bulk_on_all_of_a_result_and_back(
    workspace: Workspace, news: List, people: list[Contact], post: Post, owner_client: Client
) -> None:
    data = {"action": "add", "list": news.pk, "all": "1", "query": "q=example"}
    page = post("contacts_bulk", **data)
    assert "3 contacts added to News." in page
    assert news.subscriptions.count() == 3
    assert "Undone for 3 people." in undo(owner_client, page)
    assert news.subscriptions.count() == 0


def test_bulk_never_revives_who_left(news: List, people: list[Contact], post: Post) -> None:
    Subscription.objects.create(list=news, contact=people[0], status="unsubscribed")
    page = post("contacts_bulk", action="add", list=news.pk, pk=[p.pk for p in people])
    assert "2 contacts added to News." in page
    assert news.subscriptions.get(contact=people[0]).status == "unsubscribed"
    assert "2 contacts removed from News." in post(
        "contacts_bulk", action="remove", list=news.pk, all="1", query=""
    )
    assert news.subscriptions.get().contact == people[0]


@pytest.mark.parametrize("action", ["add", "remove", "suppress", "delete"])
@pytest.mark.parametrize("given", [{}, {"pk": "x"}, {"pk": "0"}, {"all": "1", "query": "list=0"}])
def test_bulk_on_nobody_says_so(
    news: List, people: list[Contact], post: Post, action: str, given: dict[str, str]
) -> None:
    page = post("contacts_bulk", action=action, list=news.pk, **given)
    assert "Choose people first." in page
    assert Contact.objects.count() == len(people)
    assert not Subscription.objects.exists()
    assert not Suppression.objects.exists()


def test_suppress_and_undo(people: list[Contact], post: Post, owner_client: Client) -> None:
    page = post("contacts_bulk", action="suppress", pk=[people[0].pk, people[1].pk])
    assert "2 people get no more mail." in page
    assert Suppression.objects.count() == 2
    undo(owner_client, page)
    assert not Suppression.objects.exists()


def test_delete_leaves_the_suppression(
    workspace: Workspace, news: List, people: list[Contact], post: Post
) -> None:
    Subscription.objects.create(list=news, contact=people[0])
    suppression_service.suppress(
        workspace,
        value=people[0].email,
        kind="address",
        reason="complained",
        source=Source("campaign", 1),
    )
    assert "2 contacts deleted." in post(
        "contacts_bulk", action="delete", pk=[people[0].pk, people[1].pk]
    )
    assert Contact.objects.get() == people[2]
    assert not Subscription.objects.exists()
    assert Suppression.objects.filter(lifted_at=None).count() == 1


def test_bulk_reaches_no_other_workspace(
    other_workspace: Workspace, people: list[Contact], post: Post
) -> None:
    theirs = Contact.objects.create(workspace=other_workspace, email="x@y.example")
    their_list = List.objects.create(workspace=other_workspace, name="Theirs")
    assert "Choose people first." in post("contacts_bulk", action="delete", pk=theirs.pk)
    assert Contact.objects.filter(pk=theirs.pk).exists()
    assert not their_list.subscriptions.exists()


def test_an_action_without_a_list_says_so(people: list[Contact], post: Post) -> None:
    page = post("contacts_bulk", action="add", list="", pk=people[0].pk)
    assert "Choose a list first." in page


def test_export_is_no_formula(workspace: Workspace, owner_client: Client) -> None:
    Attribute.objects.create(workspace=workspace, key="note", label="Note")
    Contact.objects.create(
        workspace=workspace,
        email="a@b.example",
        first_name="=HYPERLINK(1)",
        attributes={"note": "@cmd"},
    )
    answer = owner_client.get(url("export_contacts"))
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    header, row = csv.reader(io.StringIO(text))
    assert header[:2] == ["E-mail address", "First name"]
    assert row[:2] == ["a@b.example", "'=HYPERLINK(1)"]
    assert row[4] == "'@cmd"


def test_a_viewer_sees_no_buttons(
    workspace: Workspace, people: list[Contact], make_member: Callable[..., User]
) -> None:
    client = Client()
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    page = client.get(url("contacts")).content.decode()
    assert "ann@a.example" in page
    assert "data-bulk" not in page
    assert url("new_import") not in page
    one = client.get(url("contact", people[0].pk)).content.decode()
    assert url("edit_contact", people[0].pk) not in one


# One person --------------------------------------------------------------------------------------


def test_add_and_edit_a_person(
    workspace: Workspace, news: List, post: Post, get: Callable[..., str]
) -> None:
    for type_, choices in (("date", []), ("boolean", []), ("number", []), ("choice", ["A", "B"])):
        Attribute.objects.create(
            workspace=workspace, key=f"a_{type_}", label=type_.title(), type=type_, choices=choices
        )
    page = post(
        "new_contact",
        email=" Ann <ANN@bücher.example> ",
        first_name="Ann",
        attribute_a_date="2001-02-03",
        attribute_a_boolean="false",
        attribute_a_number="1,234.5",
        attribute_a_choice="B",
        lists=news.pk,
    )
    person = Contact.objects.get()
    assert person.email == "ann@xn--bcher-kva.example"
    assert person.attributes == {
        "a_date": "2001-02-03",
        "a_boolean": False,
        "a_number": 1234.5,
        "a_choice": "B",
    }
    assert "ann@bücher.example" in page
    assert "On the list News" in page
    assert 'value="2001-02-03"' in get("edit_contact", person.pk)
    post("edit_contact", person.pk, email=person.email, attribute_a_number="")
    person.refresh_from_db()
    assert person.attributes == {}
    assert person.first_name == ""


def test_a_wrong_value_keeps_what_was_typed(workspace: Workspace, post: Post) -> None:
    Attribute.objects.create(workspace=workspace, key="n", label="N", type="number")
    page = post("new_contact", email="a@b", first_name="Ann", attribute_n="many")
    assert "it has no dot" in page
    assert "Enter a number, such as 12.5." in page
    assert 'value="many"' in page
    assert not Contact.objects.exists()


def test_an_address_is_one_person(people: list[Contact], post: Post) -> None:
    page = post("new_contact", email="ANN@a.example")
    assert "Another contact has this address." in page
    assert url("contact", people[0].pk) in page
    page = post("edit_contact", people[1].pk, email="ann@a.example")
    assert url("contact", people[0].pk) in page
    people[1].refresh_from_db()
    assert people[1].email == "bob@b.example"


def test_subscription_of_one_person(news: List, people: list[Contact], post: Post) -> None:
    person = people[0]
    post("contact_subscription", person.pk, list=news.pk, status="subscribed")
    page = post("contact_subscription", person.pk, list=news.pk, status="unsubscribed")
    assert "Left the list News" in page
    assert news.subscriptions.get().status == "unsubscribed"


def test_suppression_on_the_page_of_a_person(
    workspace: Workspace, people: list[Contact], post: Post, get: Callable[..., str]
) -> None:
    one = suppression_service.suppress(
        workspace,
        value=people[0].email,
        kind="address",
        reason="hard_bounced",
        source=Source("campaign", 7),
        detail="550 5.1.1 no such user",
    )
    page = get("contact", people[0].pk)
    assert "This address gets no mail." in page
    assert "550 5.1.1 no such user" in page
    page = post("lift_suppressions", pk=one.pk, contact=people[0].pk)
    assert "1 suppression lifted." in page
    assert "Suppression lifted" in page


# Lists -------------------------------------------------------------------------------------------


def test_lists_and_their_counts(
    news: List, people: list[Contact], post: Post, get: Callable[..., str]
) -> None:
    Subscription.objects.create(list=news, contact=people[0])
    Subscription.objects.create(list=news, contact=people[1], status="unsubscribed")
    assert "News" in get("lists")
    page = get("list", news.pk)
    assert re.search(r'"values": \[0, 1\]', page)
    assert "There is a list with this name already." in post("new_list", name=" News ")
    assert "The list Offers was created." in post("new_list", name="Offers")
    post("edit_list", news.pk, name="Newsletter", description="Weekly")
    assert "Weekly" in get("lists")
    assert "is archived" in post("archive_list", news.pk)
    assert "Newsletter" not in get("lists")
    assert "Newsletter" in get("lists", archived="1")


# Attributes --------------------------------------------------------------------------------------


def test_attributes(
    workspace: Workspace, people: list[Contact], post: Post, get: Callable[..., str]
) -> None:
    page = post("new_attribute", label="城市", type="text")
    assert "{{ city }}" in page
    assert "Enter at least one choice." in post("new_attribute", label="Size", type="choice")
    post("new_attribute", label="Size", type="choice", choices="S\nM\n\nS")
    city, size = Attribute.objects.all()
    assert size.choices == ["S", "M"]
    post("arrange_attributes", up=size.pk)
    assert list(Attribute.objects.all()) == [size, city]
    Contact.objects.filter(pk=people[0].pk).update(attributes={"city": "Rome"})
    post("edit_attribute", city.pk, label="Town", type="number")
    city.refresh_from_db()
    assert (city.label, city.type, city.key) == ("Town", "text", "city")
    assert "1 person has a value of it" in get("edit_attribute", city.pk)
    assert "with the value of 1 person" in post("delete_attribute", city.pk)
    people[0].refresh_from_db()
    assert people[0].attributes == {}


# Suppressions ------------------------------------------------------------------------------------


def test_add_lift_and_undo(
    workspace: Workspace, post: Post, owner_client: Client, get: Callable[..., str]
) -> None:
    assert "Nobody is suppressed" in get("suppressions")
    page = post("add_suppressions", lines="A@b.example\nno one\nexample.org\n", detail="asked")
    assert "Line 2: “no one”." in page
    page = post("add_suppressions", lines="A@b.example\n@Example.org\n\n", detail="asked")
    assert "2 suppressions added." in page
    assert set(Suppression.objects.values_list("kind", "value")) == {
        ("address", "a@b.example"),
        ("domain", "example.org"),
    }
    assert "0 suppressions added." in post("add_suppressions", lines="a@b.example")
    assert "a@b.example" not in get("suppressions", q="org")
    page = post("lift_suppressions", all="1", query="")
    assert "2 suppressions lifted." in page
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert "a@b.example" in get("suppressions", lifted="1")
    assert "in force again" in undo(owner_client, page)
    assert Suppression.objects.filter(lifted_at=None, lifted_by=None).count() == 2


def test_undo_of_another_workspace_is_refused(
    people: list[Contact], post: Post, stranger_client: Client
) -> None:
    page = post("contacts_bulk", action="suppress", pk=people[0].pk)
    action = re.search(r"\?token=([^\"]+)\"", page)
    assert action
    there = reverse("undo_contacts", args=["other"])
    assert stranger_client.post(f"{there}?token={action[1]}").status_code == 400
    assert Suppression.objects.count() == 1


# For other apps ----------------------------------------------------------------------------------


def test_sample(workspace: Workspace, other_workspace: Workspace, people: list[Contact]) -> None:
    Contact.objects.create(workspace=other_workspace, email="ann@other.example")
    assert people_query.sample(workspace) == people[::-1]
    assert people_query.sample(workspace, "lee") == [people[0]]
    assert people_query.sample(workspace, "B") == [people[1]]
    assert people_query.sample(workspace, limit=1) == [people[2]]


def test_search_finds_people_and_lists(
    workspace: Workspace, news: List, people: list[Contact], get: Callable[..., str]
) -> None:
    assert "ann@a.example" in get("search", q="ann")
    assert "News" in get("search", q="new")


def test_sources_have_their_names(
    workspace: Workspace,
    get: Callable[..., str],
    django_assert_max_num_queries: Callable[..., AbstractContextManager[object]],
) -> None:
    files = [
        Import.objects.create(workspace=workspace, filename=f"fair {number}.csv", dialect={})
        for number in range(3)
    ]
    suppression_service.suppress_addresses(
        workspace,
        [(f"p{n}@x.example", "") for n in range(20)],
        reason="hard_bounced",
        source=UNKNOWN,
    )
    for suppression in Suppression.objects.all():
        source = Source("import", files[suppression.pk % 3].pk)
        Suppression.objects.filter(pk=suppression.pk).update(**source.columns)
    gone = Suppression.objects.first()
    assert gone
    Suppression.objects.filter(pk=gone.pk).update(**Source("import", 999999).columns)
    with django_assert_max_num_queries(16):
        page = get("suppressions")
    assert all(file.filename in page for file in files)
    assert "Import 999999" in page
    # It was deleted: there is no page to go to.
    assert f"/imports/{files[0].pk}/" in page
    assert "/imports/999999/" not in page


def test_more_is_pasted_than_a_form_may_have(owner_client: Client) -> None:
    """Without a script, which would have sent the lines in pieces."""
    pasted = "a@b.example\n" * 300_000
    answer = owner_client.post(url("new_import"), {"pasted": pasted})
    assert answer.status_code == 413
    assert "too many lines to paste" in answer.content.decode()
    assert not Import.objects.exists()
