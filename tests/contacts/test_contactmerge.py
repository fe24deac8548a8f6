"""Two contacts of one person become one: values, lists, tags, suppressions and addresses."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import (
    Contact,
    ContactTag,
    FormerAddress,
    ImportedContact,
    List,
    Subscription,
    Suppression,
    Tag,
)
from contacts.openconsentmodels import OpenConsent, OpenConsentAnswer
from contacts.preferencemodels import AddressChange, MailFrequency, PreferenceChoice
from contacts.provenance import BY_HAND, Source
from contacts.queries import formeraddresses
from contacts.services import attributes, openconsent, tags
from contacts.services import contactmerge as service
from contacts.services import contacts as contact_service
from contacts.services.contactmerge import Values
from tests.contacts.test_imports import imported
from tests.factories import make_contact

pytestmark = pytest.mark.django_db
NOTHING = Values({}, {})
ON, LEFT = "subscribed", "unsubscribed"


@pytest.fixture
def kept(workspace: Workspace) -> Contact:
    return make_contact(workspace, "new@b.example", first_name="Ann")


@pytest.fixture
def other(workspace: Workspace) -> Contact:
    return make_contact(workspace, "old@b.example", first_name="Anna", last_name="Lee")


def on_list(contact: Contact, name: str, status: str, consent: str = "unknown") -> Subscription:
    target, _made = List.objects.get_or_create(workspace=contact.workspace, name=name)
    return Subscription.objects.create(
        list=target, contact=contact, status=status, consent=consent, **BY_HAND.columns
    )


# Answers -----------------------------------------------------------------------------------------


def opens(contact: Contact) -> list[bool]:
    return list(OpenConsent.objects.filter(contact=contact).values_list("given", flat=True))


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (None, None, []),
        (None, True, [True]),
        (True, None, [True]),
        (True, False, [False]),
        (False, True, [False]),
        (None, False, [False]),
    ],
)
def test_who_refuses_to_be_counted_stays_uncounted(
    kept: Contact, other: Contact, mine: bool | None, theirs: bool | None, expected: list[bool]
) -> None:
    answers = [(one, given) for one, given in ((kept, mine), (other, theirs)) if given is not None]
    for person, given in answers:
        (openconsent.give if given else openconsent.withdraw)([person.pk], BY_HAND)
    service.merge(kept, other, NOTHING)
    assert opens(kept) == expected
    assert OpenConsentAnswer.objects.filter(contact=kept).count() == len(answers)
    assert not OpenConsent.objects.exclude(contact=kept).exists()


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [("", "", ""), ("", "week", "week"), ("week", "month", "month"), ("month", "week", "month")],
)
def test_fewer_mails_are_stronger(  # noqa: PLR0917 - fixtures
    workspace: Workspace, kept: Contact, other: Contact, mine: str, theirs: str, expected: str
) -> None:
    for person, most in ((kept, mine), (other, theirs)):
        if most:
            MailFrequency.objects.create(contact=person, workspace=workspace, most=most)
    service.merge(kept, other, NOTHING)
    found = MailFrequency.objects.filter(contact=kept).values_list("most", flat=True)
    assert "".join(found) == expected
    assert MailFrequency.objects.count() == len(found)


def test_choices_come_along_and_links_for_the_other_address_end(
    kept: Contact, other: Contact
) -> None:
    for person, words in ((kept, "mine"), (other, "theirs")):
        PreferenceChoice.objects.create(
            contact=person,
            message_id=1,
            kind="because",
            words=words,
            **Source("campaign", 1).columns,
        )
        PreferenceChoice.objects.create(
            contact=person, message_id=1, kind="left", value="News", **Source("campaign", 1).columns
        )
    AddressChange.objects.create(
        contact=other, message_id=1, former=other.email, address="x@y.example", digest="d"
    )
    service.merge(kept, other, NOTHING)
    choices = PreferenceChoice.objects.filter(contact=kept)
    assert choices.filter(kind="left").count() == 2
    assert [one.words for one in choices.filter(kind="because")] == ["mine"]
    assert not AddressChange.objects.exists()


# Lists -------------------------------------------------------------------------------------------

STATES = ("", ON, LEFT)


@pytest.mark.parametrize("mine", STATES)
@pytest.mark.parametrize("theirs", STATES)
def test_who_left_stays_off(kept: Contact, other: Contact, mine: str, theirs: str) -> None:
    """The database does what the page says."""
    for person, status in ((kept, mine), (other, theirs)):
        if status:
            on_list(person, "News", status)
    service.merge(kept, other, NOTHING)
    found = dict(kept.subscriptions.values_list("list__name", "status"))
    assert found == ({"News": service.after(mine, theirs)} if mine or theirs else {})
    assert Subscription.objects.count() == len(found)
    assert service.after(mine, theirs) == (LEFT if LEFT in {mine, theirs} else mine or theirs)


def test_a_known_consent_counts(kept: Contact, other: Contact) -> None:
    on_list(kept, "News", ON)
    on_list(other, "News", ON, "explicit")
    on_list(kept, "Offers", ON, "customer")
    on_list(other, "Offers", ON)
    service.merge(kept, other, NOTHING)
    found = dict(kept.subscriptions.values_list("list__name", "consent"))
    assert found == {"News": "explicit", "Offers": "customer"}


# Suppressions ------------------------------------------------------------------------------------


def suppress(workspace: Workspace, email: str, reason: str) -> None:
    Suppression.objects.create(workspace=workspace, kind="address", value=email, reason=reason)


def stopped(workspace: Workspace) -> set[tuple[str, str]]:
    rows = Suppression.objects.filter(workspace=workspace, lifted_at=None)
    return set(rows.values_list("value", "reason"))


@pytest.mark.parametrize("of", ["new@b.example", "old@b.example"])
def test_a_complaint_holds_for_both(
    workspace: Workspace, kept: Contact, other: Contact, of: str
) -> None:
    suppress(workspace, of, "complained")
    service.merge(kept, other, NOTHING)
    both = ("new@b.example", "old@b.example")
    assert stopped(workspace) == {(one, "complained") for one in both}


def test_a_bounce_stays_with_its_address(
    workspace: Workspace, kept: Contact, other: Contact
) -> None:
    suppress(workspace, "old@b.example", "hard_bounced")
    service.merge(kept, other, NOTHING)
    assert stopped(workspace) == {("old@b.example", "hard_bounced")}


def test_an_import_of_the_other_address_subscribes_nobody_who_left(
    workspace: Workspace, kept: Contact, other: Contact
) -> None:
    on_list(other, "News", LEFT)
    service.merge(kept, other, NOTHING)
    assert stopped(workspace) == {("old@b.example", "unsubscribed")}


# Values, tags, imports, addresses ----------------------------------------------------------------


def test_values_tags_and_the_beginning(workspace: Workspace, kept: Contact, other: Contact) -> None:
    early = timezone.now() - dt.timedelta(days=9)
    Contact.objects.filter(pk=other.pk).update(created_at=early, source_kind="import", source_id=7)
    one, two = tags.make(workspace, ["One", "Two"])
    for tag, person in ((one, kept), (one, other), (two, other)):
        tags.add(tag, Contact.objects.filter(pk=person.pk), source=BY_HAND)
    values = Values({"first_name": "Ann", "last_name": "Lee"}, {"city": "Bern", "zip": None})
    made = service.merge(kept, other, values)
    made.refresh_from_db()
    assert (made.pk, made.email, made.last_name) == (kept.pk, "new@b.example", "Lee")
    assert made.attributes == {"city": "Bern"}
    assert (made.created_at, made.source.number) == (early, 7)
    assert set(Tag.objects.filter(tagged__contact=kept)) == {one, two}
    assert ContactTag.objects.count() == 2
    assert not Contact.objects.filter(pk=other.pk).exists()


def test_undoing_an_import_brings_nothing_of_the_other_back(workspace: Workspace) -> None:
    attributes.add(workspace, label="City", type_="text")
    imported(workspace, "email,City\nnew@b.example,Bern\nold@b.example,Basel\n")
    imported(workspace, "email,City\nold@b.example,Chur\n", known="overwrite")
    kept, other = (Contact.objects.get(email=f"{one}@b.example") for one in ("new", "old"))
    service.merge(kept, other, Values({}, {"city": "Chur"}))
    rows = ImportedContact.objects.filter(contact_id=kept.pk).order_by("of_import_id")
    assert [(row.outcome, row.overwritten) for row in rows] == [("new", None), ("updated", None)]
    assert not ImportedContact.objects.filter(contact_id=other.pk).exists()


def test_the_other_address_is_a_former_one(kept: Contact, other: Contact) -> None:
    def change(person: Contact, email: str) -> None:
        contact_service.update(person, email=email, known_names={}, attributes={})

    change(other, "older@b.example")
    between = timezone.now()
    change(other, "old@b.example")
    service.merge(kept, other, NOTHING)
    afterwards = timezone.now()
    rows = FormerAddress.objects.filter(contact=kept).order_by("until")
    assert {row.other_id for row in rows} == {other.pk}
    assert formeraddresses.of(kept) == ["old@b.example", "older@b.example"]
    assert formeraddresses.merged_into([other.pk, 0]) == {other.pk: kept.pk}
    # Of a moment, each contact has its own address, and the other one's mails had theirs.
    moments = {(kept.pk, between), (other.pk, between), (kept.pk, afterwards)}
    assert formeraddresses.at(moments) == {
        (kept.pk, between): "new@b.example",
        (other.pk, between): "older@b.example",
        (kept.pk, afterwards): "new@b.example",
    }
    # A later change of the address begins where the contact's own last one ended.
    change(kept, "newest@b.example")
    own = FormerAddress.objects.get(contact=kept, other_id=None)
    assert (own.address, own.since) == ("new@b.example", kept.created_at)


def test_merged_again(workspace: Workspace, kept: Contact, other: Contact) -> None:
    third = make_contact(workspace, "third@b.example")
    service.merge(other, third, NOTHING)
    service.merge(kept, other, NOTHING)
    assert formeraddresses.merged_into([third.pk, other.pk]) == {
        third.pk: kept.pk,
        other.pk: kept.pk,
    }


def test_what_changed_meanwhile(kept: Contact, other: Contact) -> None:
    state = service.state_of(kept, other)
    contact_service.update(other, email=other.email, known_names={}, attributes={})
    with pytest.raises(service.ChangedError):
        service.merge(kept, other, NOTHING, state=state)
    assert Contact.objects.count() == 2


# Pages -------------------------------------------------------------------------------------------


def test_the_pages(owner_client: Client, kept: Contact, other: Contact) -> None:
    attributes.add(kept.workspace, label="City", type_="text")
    Contact.objects.filter(pk=other.pk).update(attributes={"city": "Bern"})
    on_list(other, "News", LEFT)
    url = f"/w/brand/contacts/{kept.pk}/merge/"
    found = owner_client.get(url, {"q": "b.example"}).content.decode()
    assert f"{url}{other.pk}/" in found
    assert f"{url}{kept.pk}/" not in found
    page = owner_client.get(f"{url}{other.pk}/").content.decode()
    page = " ".join(page.split())
    # The filled one; of two names, that of the contact that was changed last.
    assert 'name="pick_city" value="right" checked' in page
    assert 'name="pick_first_name" value="right" checked' in page
    assert 'name="pick_last_name" value="right" checked' in page
    state = page.split('name="state" value="')[1].split('"', 1)[0]
    given = {"state": state, "pick_first_name": "left", "pick_email": "left"}
    done = owner_client.post(f"{url}{other.pk}/", given, follow=True).content.decode()
    assert "Both are one contact now, with the address new@b.example." in done
    assert "Former addresses" in done
    assert "Another contact was merged into this one" in done
    kept.refresh_from_db()
    assert (kept.first_name, kept.last_name) == ("Ann", "Lee")
    assert kept.attributes == {"city": "Bern"}


def test_the_other_address_stays(owner_client: Client, kept: Contact, other: Contact) -> None:
    url = f"/w/brand/contacts/{kept.pk}/merge/{other.pk}/"
    owner_client.post(url, {"pick_email": "right", "pick_first_name": "left"})
    one = Contact.objects.get()
    assert (one.pk, one.email, one.first_name) == (other.pk, "old@b.example", "Ann")


def test_an_old_page_says_so_and_keeps_the_choices(
    owner_client: Client, kept: Contact, other: Contact
) -> None:
    url = f"/w/brand/contacts/{kept.pk}/merge/{other.pk}/"
    given: dict[str, Any] = {"state": "1:2 3:4", "pick_first_name": "left"}
    page = " ".join(owner_client.post(url, given).content.decode().split())
    assert "One of both was changed" in page
    assert 'name="pick_first_name" value="left" checked' in page
    assert Contact.objects.count() == 2


def test_another_workspace(owner_client: Client, other_workspace: Workspace, kept: Contact) -> None:
    theirs = make_contact(other_workspace, "old@b.example")
    url = f"/w/brand/contacts/{kept.pk}/merge/{theirs.pk}/"
    assert owner_client.post(url).status_code == 404
    assert owner_client.get(f"/w/brand/contacts/{kept.pk}/merge/{kept.pk}/").status_code == 302


@pytest.mark.parametrize("theirs", [True, False])
def test_the_page_says_that_a_refusal_holds(
    owner_client: Client, kept: Contact, other: Contact, theirs: bool
) -> None:
    openconsent.give([kept.pk], BY_HAND)
    (openconsent.give if theirs else openconsent.withdraw)([other.pk], BY_HAND)
    page = owner_client.get(f"/w/brand/contacts/{kept.pk}/merge/{other.pk}/").content.decode()
    assert ("Afterwards the refusal holds." in " ".join(page.split())) != theirs
