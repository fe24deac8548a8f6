"""A person who is erased leaves no trace but a digest."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts import erasure
from contacts.models import (
    Contact,
    FormerAddress,
    Import,
    ImportDuplicate,
    ImportReject,
    List,
    Suppression,
)
from contacts.preferencemodels import AddressChange
from contacts.provenance import BY_HAND
from contacts.queries import mailable
from contacts.services import contacts as contact_service
from contacts.services import erasing, lists, suppressions
from contacts.suppressionlines import Entry
from tests.factories import make_contact

pytestmark = pytest.mark.django_db
EMAIL = "ann@b.example"


@pytest.fixture
def ann(workspace: Workspace) -> Contact:
    return make_contact(workspace, EMAIL, first_name="Ann", attributes={"city": "Oslo"})


def reasons(workspace: Workspace, address: str = EMAIL) -> set[str]:
    stops = mailable.stops_of(workspace, [address]).get(address, [])
    return {str(one.reason) for one in stops}


def test_the_contact_goes_and_a_digest_stays(workspace: Workspace, ann: Contact) -> None:
    news = lists.create(workspace, name="News")
    lists.subscribe(news, Contact.objects.filter(pk=ann.pk), source=BY_HAND)
    found = erasing.find(workspace, " Ann@B.example ")
    assert found.traces == [
        "the contact with all that is known about it",
        "1 subscription to a list",
    ]
    erasing.erase(workspace, found.address, by=None)
    assert not Contact.objects.exists()
    (stop,) = Suppression.objects.all()
    assert (stop.kind, stop.value) == ("erased", erasure.digest(EMAIL))
    assert reasons(workspace) == {"erased"}
    assert erasing.find(workspace, EMAIL).traces == []
    erasing.erase(workspace, EMAIL, by=None)
    assert Suppression.objects.count() == 1


def test_who_left_a_list_is_not_suppressed_by_name(workspace: Workspace, ann: Contact) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    ann.subscriptions.create(list=news, status="unsubscribed", **BY_HAND.columns)
    wanted = suppressions.Wanted(Entry("address", EMAIL), "hard_bounced")
    suppressions.add(workspace, [wanted], source=BY_HAND, detail="550 no ann@b.example", by=None)
    erasing.erase(workspace, EMAIL, by=None)
    assert list(Suppression.objects.values_list("kind", flat=True)) == ["erased"]


def test_former_addresses_are_erased_but_not_those_of_others(
    workspace: Workspace, ann: Contact
) -> None:
    for address in ("old@b.example", "shared@b.example"):
        contact_service.update(ann, email=address, known_names={}, attributes={})
    contact_service.update(ann, email=EMAIL, known_names={}, attributes={})
    make_contact(workspace, "shared@b.example")
    erasing.erase(workspace, EMAIL, by=None)
    assert reasons(workspace, "old@b.example") == {"erased"}
    assert reasons(workspace, "shared@b.example") == set()
    assert not FormerAddress.objects.exists()
    assert Contact.objects.get().email == "shared@b.example"


def test_an_address_that_was_asked_for_goes_but_is_not_suppressed(
    workspace: Workspace, ann: Contact
) -> None:
    """It may be a stranger's: nobody has confirmed it."""
    AddressChange.objects.create(
        contact=ann, message_id=1, former=EMAIL, address="new@b.example", digest="d"
    )
    assert erasing.find(workspace, EMAIL).known.everything.addresses == (EMAIL, "new@b.example")
    erasing.erase(workspace, EMAIL, by=None)
    assert (reasons(workspace), reasons(workspace, "new@b.example")) == ({"erased"}, set())
    assert not AddressChange.objects.exists()


def test_lines_of_imports(workspace: Workspace, other_workspace: Workspace, ann: Contact) -> None:
    for place in (workspace, other_workspace):
        file = Import.objects.create(workspace=place, filename="a.csv", state="finished")
        cells = {"ours": ["Ann", "ANN@b.example "], "another": ["Bo", "joann@c.example"]}
        for number, given in enumerate(cells.values()):
            ImportReject.objects.create(
                of_import=file, line=number, reason="no_at", value=given[1], cells=given
            )
        ImportDuplicate.objects.create(of_import=file, line=7, email=EMAIL)
    found = erasing.find(workspace, EMAIL)
    assert "the text of 1 line that an import rejected" in found.traces
    erasing.erase(workspace, EMAIL, by=None)
    rows = ImportReject.objects.filter(of_import__workspace=workspace).order_by("line")
    assert [(one.value, one.cells) for one in rows] == [
        ("", []),
        ("joann@c.example", ["Bo", "joann@c.example"]),
    ]
    assert ImportReject.objects.filter(of_import__workspace=other_workspace, cells=[]).count() == 0
    assert ImportDuplicate.objects.get().of_import.workspace == other_workspace


def test_other_workspaces_keep_the_person(
    workspace: Workspace, other_workspace: Workspace, ann: Contact
) -> None:
    make_contact(other_workspace, EMAIL)
    erasing.erase(workspace, EMAIL, by=None)
    assert Contact.objects.get().workspace == other_workspace
    assert reasons(other_workspace) == set()


# The page ----------------------------------------------------------------------------------------


def test_the_page_says_what_goes_and_a_post_erases(
    owner_client: Client, workspace: Workspace, ann: Contact
) -> None:
    url = reverse("erase_person", args=["brand"])
    assert url in owner_client.get(reverse("contact", args=["brand", ann.pk])).content.decode()
    wrong = owner_client.get(url, {"q": "<b>x"}).content.decode()
    assert 'id="erase-problem"' in wrong
    assert 'value="&lt;b&gt;x"' in wrong
    page = owner_client.get(url, {"q": EMAIL}).content.decode()
    assert "the contact with all that is known about it" in page
    assert Contact.objects.exists()
    answer = owner_client.post(url, {"q": EMAIL}, follow=True)
    assert "The person is erased" in answer.content.decode()
    assert EMAIL not in answer.content.decode()
    assert not Contact.objects.exists()


def test_a_person_who_is_unknown_can_be_erased(owner_client: Client, workspace: Workspace) -> None:
    url = reverse("erase_person", args=["brand"])
    page = owner_client.get(url, {"q": "new@b.example"}).content.decode()
    assert "Nothing is known about this address" in page
    owner_client.post(url, {"q": "new@b.example"})
    assert reasons(workspace, "new@b.example") == {"erased"}


def test_the_page_names_the_other_addresses(
    owner_client: Client, workspace: Workspace, ann: Contact
) -> None:
    contact_service.update(ann, email="new@b.example", known_names={}, attributes={})
    AddressChange.objects.create(
        contact=ann, message_id=1, former=EMAIL, address="wish@b.example", digest="d"
    )
    url = reverse("erase_person", args=[workspace.slug])
    page = owner_client.get(url, {"q": "new@b.example"}).content.decode()
    assert "<li>ann@b.example</li>" in page
    assert "<li>wish@b.example</li>" in page
    # The former address alone is nobody's now; the page leads to the contact that had it.
    page = owner_client.get(url, {"q": EMAIL}).content.decode()
    assert "This contact had the address before" in page
    assert "?q=new%40b.example" in page
