"""Consent for counting opens: given, withdrawn, with its trail."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.opencounting import OpenCounting
from accounts.permissions import Role
from contacts.models import Contact
from contacts.openconsentmodels import OpenConsent, OpenConsentAnswer
from contacts.provenance import BY_HAND, IMPORT, Source
from contacts.queries import openconsent as query
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
    monkeypatch.setattr(query, "on_withdrawn", [lambda ids: heard.append(list(ids))])
    openconsent.give([lan.pk], BY_HAND)
    openconsent.withdraw([lan.pk], BY_HAND)
    openconsent.withdraw([lan.pk], BY_HAND)
    assert heard == [[lan.pk]]


def test_the_page_of_a_person_shows_and_records_it(
    lan: Contact, owner_client: Client, url: Callable[..., str], owner: User
) -> None:
    page, path = url("contact", lan.pk), url("contact_open_consent", lan.pk)
    assert "No answer. Opens of this person count only" in owner_client.get(page).content.decode()
    answer = owner_client.post(path, {"answer": "give", "text": " Said so by phone "}, follow=True)
    shown = answer.content.decode()
    assert "Given: opens of this person may be counted." in shown
    assert "Said so by phone" in shown
    assert "Agreed to the counting of opens" in shown
    assert openconsent.of(lan).answers[0].by == owner
    again = owner_client.post(path, {"answer": "give"}, follow=True).content.decode()
    assert "That was recorded already; nothing changed." in again
    shown = owner_client.post(path, {"answer": "withdraw"}, follow=True).content.decode()
    assert "Refused or withdrawn: opens of this person are not counted" in shown
    assert openconsent.of(lan).given is False
    assert owner_client.post(path, {"answer": "perhaps"}).status_code == 400
    assert owner_client.get(path).status_code == 405


def test_who_may_not_edit_contacts_only_sees_it(
    workspace: Workspace,
    lan: Contact,
    url: Callable[..., str],
    make_member: Callable[..., User],
    client: Client,
) -> None:
    openconsent.give([lan.pk], BY_HAND, text="Ticked the box", ip="10.0.0.7")
    client.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    shown = client.get(url("contact", lan.pk)).content.decode()
    assert "Ticked the box" in shown
    assert "from 10.0.0.7" in shown
    assert "Withdraw consent" not in shown
    path = url("contact_open_consent", lan.pk)
    assert client.post(path, {"answer": "withdraw"}).status_code == 403
    assert openconsent.of(lan).given is True


@pytest.mark.parametrize("way", OpenCounting)
def test_the_rule_for_one_contact_and_for_a_join_are_one(
    workspace: Workspace, lan: Contact, way: str
) -> None:
    refused, _silent = (make_contact(workspace, f"{one}@x.example") for one in ("no", "silent"))
    openconsent.give([lan.pk], BY_HAND)
    openconsent.withdraw([refused.pk], BY_HAND)
    join, expression = query.joined(way, "c.id")
    statement = f"""
    SELECT c.email, {query.allowed(way, "c.id")}, {query.allowed_by("w.way", "c.id")}, {expression}
      FROM contacts_contact c CROSS JOIN (SELECT %(way)s::text AS way) w {join}"""  # noqa: S608 - only ours
    known: dict[str, Any] = {"way": str(way), "first": 0, "last": 1 << 62}
    with connection.cursor() as cursor:
        cursor.execute(statement, known)
        rows = {email.partition("@")[0]: said for email, *said in cursor.fetchall()}
    everybody, consent = way == OpenCounting.EVERYBODY, way == OpenCounting.CONSENT
    assert rows == {
        "lan": [everybody or consent] * 3,
        "no": [False] * 3,
        "silent": [everybody] * 3,
    }
