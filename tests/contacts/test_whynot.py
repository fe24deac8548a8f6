"""Why an address gets no mail: every reason, in one place."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Contact, MailDomain
from contacts.provenance import BY_HAND, Source
from contacts.queries import mailable
from contacts.services import lists, whynot
from contacts.services import suppressions as service
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import Entry
from tests.factories import make_contact, make_list

pytestmark = pytest.mark.django_db

EMAIL = "lee@x.example"


def texts(found: whynot.WhyNotAnswer) -> list[str]:
    return [one.text for one in found.reasons]


def test_nothing_stops_it(workspace: Workspace) -> None:
    make_list(workspace, [EMAIL])
    found = whynot.answer(workspace, f"Lee <{EMAIL.upper()}>")
    assert (found.address, found.reasons, found.lists) == (EMAIL, [], ["Newsletter"])
    assert not found.is_stopped


def test_every_reason_is_told(workspace: Workspace, owner: User) -> None:
    news = make_list(workspace, [EMAIL])
    people = Contact.objects.filter(email=EMAIL)
    lists.unsubscribe(workspace, [people.get().pk], [news.pk], source=Source("campaign", 7))
    MailDomain.objects.create(domain="x.example", answer="none", looked_at=timezone.now())
    service.add_erased(workspace, "LEE@x.example", source=BY_HAND, by=owner)
    service.suppress_addresses(
        workspace, [(EMAIL, "452 full")], reason="soft_bounced", source=Source("campaign", 7),
        until=dt.datetime(2096, 3, 3, 12, tzinfo=dt.UTC),
    )  # fmt: skip
    mine = [
        Wanted(Entry("address", EMAIL), "hard_bounced", note="Called, is gone"),
        Wanted(Entry("domain", "x.example")),
        Wanted(Entry("pattern", "lee@*")),
    ]
    service.add(workspace, mine, source=BY_HAND, detail="by phone", by=owner)
    service.add(None, [Wanted(Entry("domain", "x.example"))], source=BY_HAND, by=owner)
    found = whynot.answer(workspace, EMAIL)
    assert found.is_stopped
    assert found.contact == people.get()
    assert texts(found) == [
        "This address gets no mail.",
        "Nobody at x.example gets mail.",
        "This address gets no mail.",
        "Addresses like lee@* get no mail.",
        "Nobody at x.example gets mail.",
        "The person with this address asked to be erased. The address gets no mail.",
        "x.example has no mail server.",
        "The person left the list Newsletter.",
    ]
    address, domain, ending, _pattern, everywhere, *_others = found.reasons
    assert address.note == "Called, is gone"
    assert domain.words == "by phone"
    assert str(owner) in domain.details
    assert ending.details[0] == "Soft bounces, until 3 Mar 2096"
    assert "For the whole installation" in everywhere.details
    assert everywhere.url == ""
    assert all(one.remedy for one in found.reasons)


def test_an_unknown_address(workspace: Workspace) -> None:
    service.add(workspace, [Wanted(Entry("pattern", "lee*@*"))], source=BY_HAND, by=None)
    found = whynot.answer(workspace, EMAIL)
    assert texts(found) == [
        "Addresses like lee*@* get no mail.",
        "No contact of this workspace has this address.",
    ]
    assert found.is_stopped


def test_a_contact_on_no_list(workspace: Workspace, other_workspace: Workspace) -> None:
    make_contact(workspace, EMAIL)
    service.add(other_workspace, [Wanted(Entry("address", EMAIL))], source=BY_HAND, by=None)
    found = whynot.answer(workspace, EMAIL)
    assert texts(found) == ["The contact is on no list."]
    assert not found.is_stopped


@pytest.mark.parametrize("typed", ["lee", "lee@x", "<script>", "a@b.example, c@d.example"])
def test_no_address(workspace: Workspace, typed: str) -> None:
    found = whynot.answer(workspace, typed)
    assert texts(found) == ["This is not an address that can be mailed."]
    assert found.reasons[0].details[0].endswith(".")


def test_an_erased_person_is_one_reason(
    workspace: Workspace, owner: User, settings: object
) -> None:
    """Also after a change of the key: then there are two digests."""
    service.add_erased(workspace, EMAIL, source=BY_HAND, by=owner)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]  # type: ignore[attr-defined]
    settings.SECRET_KEY = "n" * 50  # type: ignore[attr-defined]
    service.add_erased(workspace, EMAIL, source=BY_HAND, by=owner)
    assert len(mailable.stops_of(workspace, [EMAIL])[EMAIL]) == 2
    found = whynot.answer(workspace, EMAIL)
    assert sum("asked to be erased" in one for one in texts(found)) == 1
