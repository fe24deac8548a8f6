"""Consent for counting opens: given, withdrawn, with its trail."""

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Contact
from contacts.openconsentmodels import OpenConsent, OpenConsentAnswer
from contacts.provenance import BY_HAND, IMPORT, Source
from contacts.queries.openconsent import MOST
from contacts.services import contacts, openconsent
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


@pytest.fixture
def lan(workspace: Workspace) -> Contact:
    return make_contact(workspace, "lan@x.example")


def test_an_answer_leaves_a_trail(lan: Contact, owner: User) -> None:
    before = timezone.now()
    assert openconsent.of(lan) == openconsent.ContactConsent(None, [])
    assert openconsent.give([lan.pk], Source("form", 3), text="I agree\x00", ip="10.0.0.7") == 1
    assert openconsent.withdraw([lan.pk], BY_HAND, by=owner) == 1
    found = openconsent.of(lan)
    assert found.given is False
    withdrawn, given = found.answers
    assert (given.given, given.text, given.ip, given.by) == (True, "I agree", "10.0.0.7", None)
    assert given.source == Source("form", 3)
    assert (withdrawn.given, withdrawn.by, withdrawn.source) == (False, owner, BY_HAND)
    assert withdrawn.at >= given.at >= before


def test_a_known_answer_changes_nothing(lan: Contact) -> None:
    openconsent.give([lan.pk], BY_HAND)
    assert openconsent.give([lan.pk, lan.pk], Source(IMPORT, 1)) == 0
    assert openconsent.give([lan.pk + 1000], BY_HAND) == 0
    assert openconsent.give([], BY_HAND) == 0
    assert OpenConsentAnswer.objects.get().source == BY_HAND


def test_the_same_person_twice_is_one_answer(lan: Contact) -> None:
    assert openconsent.give([lan.pk, lan.pk], BY_HAND) == 1
    assert OpenConsent.objects.count() == OpenConsentAnswer.objects.count() == 1


@pytest.mark.parametrize(
    ("ip", "stored"),
    [("2001:db8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("unknown", None), ("", None)],
)
def test_an_address_of_any_form(lan: Contact, ip: str, stored: str | None) -> None:
    openconsent.give([lan.pk], BY_HAND, ip=ip)
    assert OpenConsentAnswer.objects.get().ip == stored


def test_the_trail_has_an_end(lan: Contact) -> None:
    for _turn in range(MOST):
        openconsent.give([lan.pk], BY_HAND)
        openconsent.withdraw([lan.pk], BY_HAND)
    kept = openconsent.of(lan).answers
    assert len(kept) == MOST
    assert not kept[0].given


def test_who_is_deleted_leaves_nothing(workspace: Workspace, lan: Contact) -> None:
    other = make_contact(workspace, "other@x.example")
    openconsent.give([lan.pk, other.pk], BY_HAND)
    contacts.delete(Contact.objects.filter(pk=lan.pk))
    assert OpenConsent.objects.get().contact_id == OpenConsentAnswer.objects.get().contact_id
    assert OpenConsent.objects.get().contact == other


def test_those_on_the_right_hear_of_a_withdrawal(
    lan: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[list[int]] = []
    monkeypatch.setattr(openconsent, "on_withdrawn", [lambda ids: heard.append(list(ids))])
    openconsent.give([lan.pk], BY_HAND)
    openconsent.withdraw([lan.pk], BY_HAND)
    openconsent.withdraw([lan.pk], BY_HAND)
    assert heard == [[lan.pk]]
