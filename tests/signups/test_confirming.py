"""Confirming by the link in the mail."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Attribute, Contact, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.services import contacts, erasing, preferences, suppressions
from contacts.timeline import entries
from signups import links
from signups.models import ConfirmationMail, Signup, SignupForm
from signups.services import rules
from tests import factories
from tests.signups.conftest import ADDRESS, link, mails

pytestmark = pytest.mark.django_db
Send = Callable[..., Any]


def make_old(days: int = 8) -> None:
    then = timezone.now() - timedelta(days=days)
    Signup.objects.update(created_at=then, asked_at=then)
    ConfirmationMail.objects.update(sent_at=then)


def test_only_a_post_confirms(client: Client, send: Send, form: SignupForm, news: List) -> None:
    send()
    page = client.get(link())
    assert "Yes, sign me up" in page.content.decode()
    assert "News" in page.content.decode()
    client.head(link())
    assert not Contact.objects.exists()
    assert client.post(link())["Location"] == link()
    assert "You are signed up" in client.get(link()).content.decode()
    subscription = Subscription.objects.get(list=news, contact__email=ADDRESS)
    assert (subscription.status, subscription.consent) == ("subscribed", "explicit")
    assert subscription.source == Source("form", form.pk)
    signup = Signup.objects.get()
    assert (signup.state, signup.contact) == ("confirmed", subscription.contact)
    assert signup.confirmed_at
    # A second time changes nothing.
    Subscription.objects.update(status="unsubscribed")
    client.post(link())
    assert Subscription.objects.get().status == "unsubscribed"


def test_the_page_sets_no_cookie_and_allows_no_frame(client: Client, send: Send) -> None:
    send()
    page = client.get(link())
    assert not page.cookies
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "no-referrer"


def test_the_person_s_own_unsubscription_is_lifted_and_kept_as_history(
    client: Client, send: Send, workspace: Workspace, news: List
) -> None:
    contact = factories.make_contact(workspace, ADDRESS)
    Subscription.objects.create(list=news, contact=contact, status="unsubscribed")
    suppressions.suppress(
        workspace,
        value=ADDRESS,
        kind="address",
        reason="unsubscribed",
        source=Source("campaign", 7),
    )
    send()
    client.post(link())
    lifted = Suppression.objects.get()
    assert lifted.lifted_at
    assert (lifted.reason, lifted.source) == ("unsubscribed", Source("campaign", 7))
    assert Subscription.objects.get().status == "subscribed"


def test_a_complaint_since_then_stops_it(client: Client, send: Send, workspace: Workspace) -> None:
    send()
    suppressions.suppress(
        workspace, value=ADDRESS, kind="address", reason="complained", source=Source("page")
    )
    page = client.post(link())
    assert "We can’t sign you up" in page.content.decode()
    assert not Contact.objects.exists()
    assert Suppression.objects.get().lifted_at is None
    assert Signup.objects.get().reason == "suppressed_complained"


def test_an_old_link_says_so_and_offers_a_new_mail(client: Client, send: Send) -> None:
    send()
    old = link()
    make_old()
    assert "This link is too old" in client.get(old).content.decode()
    assert "This link is too old" in client.post(old).content.decode()
    assert not Contact.objects.exists()
    answer = client.post(old, {"action": "again"})
    assert "we have sent you an e-mail" in client.get(answer["Location"]).content.decode()
    assert len(mails()) == 2
    client.post(link())
    assert Subscription.objects.get().status == "subscribed"


def test_new_mails_have_the_limits_of_all(client: Client, send: Send) -> None:
    send()
    client.post(link(), {"action": "again"})
    assert len(mails()) == 1  # it isn't old
    make_old()
    for _ in range(3):
        client.post(link(), {"action": "again"})
        Signup.objects.update(asked_at=timezone.now() - timedelta(days=8))
    assert len(mails()) == 2


def test_values_of_the_form_become_the_contact_s(
    client: Client, send: Send, make_form: Callable[..., SignupForm], workspace: Workspace
) -> None:
    for key, kind in (("age", "number"), ("born", "date"), ("pro", "boolean"), ("gone", "text")):
        Attribute.objects.create(workspace=workspace, key=key, label=key, type=kind)
    Attribute.objects.create(workspace=workspace, key="language", label="Language")
    factories.make_contact(workspace, ADDRESS, first_name="L", attributes={"age": 5, "city": "x"})
    keys = ("first_name", "attribute:age", "attribute:born", "attribute:pro", "attribute:gone")
    one = make_form(fields=[{"key": key} for key in keys])
    send(
        of=one,
        first_name="Lan\r\n\x00Li",
        attribute_age="1,234",
        attribute_born="2001-02-03",
        attribute_pro="on",
        attribute_gone="=1+1",
    )
    Attribute.objects.filter(key="gone").delete()
    client.post(link())
    contact = Contact.objects.get()
    assert contact.first_name == "Lan Li"
    assert contact.attributes == {
        "age": 1234,
        "born": "2001-02-03",
        "pro": True,
        "city": "x",
        "language": "en",
    }


def test_the_trail_is_in_the_contact_s_timeline(client: Client, send: Send) -> None:
    send()
    client.post(link())
    titles = {str(one.title): one for one in entries(Contact.objects.get())}
    entry = titles["Confirmed a sign-up by the link in the mail"]
    assert "I can unsubscribe at any time" in entry.words
    assert "127.0.0.1" in str(entry.detail)


def test_deleting_the_contact_deletes_its_sign_ups_only(client: Client, send: Send) -> None:
    send()
    client.post(link())
    send("other@example.com")
    contacts.delete(Contact.objects.all())
    assert list(Signup.objects.values_list("address", flat=True)) == ["other@example.com"]


def test_whoever_is_new_on_a_list_is_welcomed_once(
    client: Client, send: Send, news: List, workspace: Workspace
) -> None:
    rules.change(news, welcome="standard")
    send()
    client.post(link())
    client.post(link())
    welcomes = [one for one in mails() if one.key.startswith("welcome-")]
    assert [one.data["list_name"] for one in welcomes] == ["News"]


@pytest.mark.parametrize("token", ["0" * 34, "ab" * 20, "f" * 48])
def test_other_tokens_lead_nowhere(client: Client, db: None, token: str) -> None:
    page = client.post(f"/f/confirm/{token}")
    assert page.status_code == 404
    assert "This link is not complete, or no longer valid" in page.content.decode()


def test_words_right_behind_a_link_do_not_matter(client: Client, send: Send) -> None:
    send()
    assert client.get(link() + "请点击").status_code == 200


def test_tokens_are_read_back() -> None:
    for number in (1, 255, 256, 2**40):
        assert links.read(links.make(number)) == number
    assert links.read(links.make(7)[:-2] + "08") is None
    assert links.read("") is None


def test_erasing_a_person_deletes_also_unconfirmed_sign_ups(
    client: Client, send: Send, workspace: Workspace
) -> None:
    send()
    send(email="bo@c.example")
    found = erasing.find(workspace, ADDRESS)
    assert "1 sign-up by a form" in found.traces
    erasing.erase(workspace, ADDRESS, by=None)
    assert list(Signup.objects.values_list("address", flat=True)) == ["bo@c.example"]


def test_values_that_waited_are_read_again(
    client: Client,
    owner_client: Client,
    send: Send,
    make_form: Callable[..., SignupForm],
    workspace: Workspace,
) -> None:
    for key in ("size", "colours", "age", "gone"):
        Attribute.objects.create(workspace=workspace, key=key, label=key.title())
    one = make_form(fields=[{"key": f"attribute:{k}"} for k in ("size", "colours", "age", "gone")])
    values = {"attribute_size": "L", "attribute_colours": "red; Blue", "attribute_age": "old"}
    send(of=one, **values, attribute_gone="x")
    Attribute.objects.filter(key="gone").delete()
    of_key = Attribute.objects.filter
    of_key(key="size").update(type="choice", choices=["S"])
    of_key(key="colours").update(type="choices", choices=["Blue", "Red"])
    of_key(key="age").update(type="number")
    client.post(link())
    assert Contact.objects.get().attributes == {"colours": ["Blue", "Red"], "language": "en"}
    assert Signup.objects.get().left_out == ["attribute:age", "attribute:gone", "attribute:size"]
    page = " ".join(owner_client.get(f"/w/brand/forms/{one.pk}/signups/").content.decode().split())
    assert "Not stored, as it does not fit the attribute: Age, gone, Size" in page


def test_the_language_is_kept_as_the_preferences_keep_it(
    client: Client, form: SignupForm, workspace: Workspace
) -> None:
    client.post(f"/f/{form.key}?lang=ja", {"email": ADDRESS, "consent": "on"})
    client.post(link())
    assert Contact.objects.get().attributes == {"language": "ja"}
    assert preferences.attribute_of(workspace)
    # One that the contact has stays.
    factories.make_contact(workspace, "bo@c.example", attributes={"language": "de"})
    client.post(f"/f/{form.key}?lang=ja", {"email": "bo@c.example", "consent": "on"})
    client.post(link())
    assert Contact.objects.get(email="bo@c.example").attributes == {"language": "de"}


def test_a_language_attribute_of_other_values_stays_empty(
    client: Client, send: Send, workspace: Workspace
) -> None:
    Attribute.objects.create(
        workspace=workspace, key="language", label="Language", type="choice", choices=["English"]
    )
    send()
    client.post(link())
    assert not Contact.objects.get().attributes


def test_an_erased_person_may_begin_anew(
    client: Client, owner_client: Client, send: Send, form: SignupForm, workspace: Workspace
) -> None:
    suppressions.add_erased(workspace, ADDRESS, source=Source("page"), by=None)
    send()
    assert not Contact.objects.exists()
    assert Suppression.objects.get().lifted_at is None
    assert not Signup.objects.get().was_erased
    client.post(link())
    assert Suppression.objects.get().lifted_at
    assert Subscription.objects.get().status == "subscribed"
    assert Signup.objects.get().was_erased
    page = owner_client.get(f"/w/brand/forms/{form.pk}/signups/").content.decode()
    assert "Was erased before, and asked for mail again" in page


def test_who_is_on_the_lists_already(
    client: Client, owner_client: Client, send: Send, form: SignupForm
) -> None:
    words = "Was subscribed already"
    url = f"/w/brand/forms/{form.pk}/signups/"
    send()
    client.post(link())
    assert words not in owner_client.get(url).content.decode()
    ConfirmationMail.objects.update(sent_at=timezone.now() - timedelta(hours=2))
    send()
    assert owner_client.get(url).content.decode().count(words) == 1
    client.post(link())
    assert owner_client.get(url).content.decode().count(words) == 1
    assert [one.was_subscribed for one in Signup.objects.order_by("pk")] == [False, True]


@pytest.mark.parametrize("archived", [True, False])
def test_after_its_list_is_gone_it_signs_nobody_up(
    client: Client, send: Send, news: List, archived: bool
) -> None:
    send()
    if archived:
        List.objects.filter(pk=news.pk).update(archived_at=timezone.now())
    else:
        news.delete()
    for answer in (client.get(link()), client.post(link())):
        assert "This sign-up is over" in answer.content.decode()
    assert not Contact.objects.exists()
    assert Signup.objects.get().state == "unconfirmed"


@pytest.mark.parametrize("everything", [True, False])
def test_who_left_since_is_told_so(
    client: Client, send: Send, workspace: Workspace, news: List, everything: bool
) -> None:
    send()
    client.post(link())
    assert "You are signed up" in client.get(link()).content.decode()
    if everything:
        suppressions.suppress(
            workspace, value=ADDRESS, kind="address", reason="unsubscribed", source=Source("page")
        )
    else:
        Subscription.objects.update(status="unsubscribed")
    for answer in (client.get(link()), client.post(link())):
        assert "You have unsubscribed since" in answer.content.decode()
    assert (Subscription.objects.get().status == "subscribed") == everything


def test_a_pause_neither_stops_it_nor_ends(
    client: Client, send: Send, workspace: Workspace, news: List
) -> None:
    soon = timezone.now() + timedelta(days=30)
    preferences.pause(workspace, [ADDRESS], until=soon, source=Source("page"))
    send()
    client.post(link())
    assert Subscription.objects.get().status == "subscribed"
    assert Suppression.objects.get().lifted_at is None
