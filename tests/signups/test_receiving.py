"""What a sent form changes, and what it doesn't."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.services import suppressions
from sending.models import Mailing
from signups import puzzles
from signups.models import ConfirmationMail, Signup, SignupForm
from tests import factories
from tests.signups.conftest import ADDRESS, mails, stamped

pytestmark = pytest.mark.django_db
Send = Callable[..., Any]
THANKS = "If this address can get mail"


def latest() -> Signup:
    found = Signup.objects.order_by("pk").last()
    assert found
    return found


def test_double_opt_in_changes_nothing_before_the_person_confirms(
    send: Send, form: SignupForm, workspace: Workspace
) -> None:
    answer = send(HTTP_USER_AGENT="x")
    assert answer.status_code == 303
    assert answer["Location"] == f"/f/{form.key}?done=1&lang=en"
    assert not Contact.objects.exists()
    assert not Subscription.objects.exists()
    signup = latest()
    assert (signup.state, signup.address, signup.ip) == ("unconfirmed", ADDRESS, "127.0.0.1")
    assert signup.consent_text == (
        "Yes, I would like to get e-mail from Brand. I can unsubscribe at any time."
    )
    [mail] = mails()
    stream = Mailing.objects.get(pk=mail.mailing_id)
    assert (stream.kind, stream.purpose, stream.from_email) == (
        "stream",
        "notice",
        workspace.from_email,
    )
    assert stream.source == Source("form", form.pk)
    assert mail.data["list_names"] == "News"


@pytest.mark.parametrize(
    ("kind", "value", "reason", "code"),
    [
        ("address", ADDRESS, "hard_bounced", "suppressed_hard_bounced"),
        ("address", ADDRESS, "complained", "suppressed_complained"),
        ("address", ADDRESS, "manual", "suppressed_manual"),
        ("domain", "example.com", "unsubscribed", "suppressed_domain"),
    ],
)
def test_a_suppressed_address_gets_nothing_and_the_answer_is_the_same(  # noqa: PLR0917 - a table
    send: Send, workspace: Workspace, kind: str, value: str, reason: str, code: str
) -> None:
    plain = send("other@elsewhere.example")
    suppressions.suppress(workspace, value=value, kind=kind, reason=reason, source=Source("page"))
    answer = send()
    assert (answer.status_code, answer["Location"]) == (plain.status_code, plain["Location"])
    assert len(mails()) == 1
    assert (latest().state, latest().reason) == ("refused", code)


@pytest.mark.usefixtures("single")
def test_an_erased_person_is_asked_and_nothing_else_changes(
    send: Send, workspace: Workspace
) -> None:
    suppressions.add_erased(workspace, ADDRESS, source=Source("page"), by=None)
    assert send().status_code == 303
    assert len(mails()) == 1
    assert (latest().state, latest().reason) == ("unconfirmed", "")
    assert Suppression.objects.get().lifted_at is None
    assert not Contact.objects.exists()


def test_who_unsubscribed_is_asked(send: Send, workspace: Workspace) -> None:
    suppressions.suppress(
        workspace, value=ADDRESS, kind="address", reason="unsubscribed", source=Source("page")
    )
    send()
    assert len(mails()) == 1
    assert Suppression.objects.get().lifted_at is None


@pytest.mark.usefixtures("single")
class TestSingleOptIn:
    def test_it_subscribes_at_once_with_the_trail(self, send: Send, form: SignupForm) -> None:
        send()
        signup, subscription = latest(), Subscription.objects.get()
        assert (signup.state, signup.by_mail, signup.contact) == (
            "confirmed",
            False,
            subscription.contact,
        )
        assert (subscription.status, subscription.consent) == ("subscribed", "explicit")
        assert subscription.source == Source("form", form.pk)
        assert not mails()

    def test_without_a_solved_puzzle_the_person_is_asked(
        self, send: Send, form: SignupForm
    ) -> None:
        send(number="")
        send("b@example.com", stamp="", number="")
        stamp = stamped(form)["stamp"]
        wrong = next(one for one in map(str, range(100)) if not puzzles.solved(stamp, one))
        send("c@example.com", stamp=stamp, number=wrong)
        assert not Contact.objects.exists()
        assert len(mails()) == 3

    def test_a_puzzle_holds_for_one_sign_up(self, send: Send) -> None:
        hidden = {**_hidden(send)}
        send("b@example.com", **hidden)
        assert list(Contact.objects.values_list("email", flat=True)) == [ADDRESS]
        assert latest().state == "unconfirmed"
        assert latest().puzzle is None

    def test_nobody_who_left_is_subscribed_again(
        self, send: Send, news: List, workspace: Workspace
    ) -> None:
        contact = factories.make_contact(workspace, ADDRESS)
        Subscription.objects.create(list=news, contact=contact, status="unsubscribed")
        send()
        assert Subscription.objects.get().status == "unsubscribed"
        assert len(mails()) == 1

    def test_no_suppression_is_lifted(self, send: Send, workspace: Workspace) -> None:
        suppressions.suppress(
            workspace, value=ADDRESS, kind="address", reason="unsubscribed", source=Source("page")
        )
        send()
        assert Suppression.objects.get().lifted_at is None
        assert not Subscription.objects.exists()
        assert len(mails()) == 1

    def test_what_is_known_of_a_contact_stays(
        self, send: Send, make_form: Callable[..., SignupForm], workspace: Workspace
    ) -> None:
        contact = factories.make_contact(workspace, ADDRESS, first_name="Lan")
        asking = make_form(fields=[{"key": "first_name"}, {"key": "last_name"}])
        send(of=asking, first_name="Mallory", last_name="Li")
        contact.refresh_from_db()
        assert (contact.first_name, contact.last_name) == ("Lan", "Li")

    def test_one_list_with_double_opt_in_is_enough_to_ask(
        self, send: Send, make_form: Callable[..., SignupForm], news: List, workspace: Workspace
    ) -> None:
        other = factories.make_list(workspace, name="Other")
        send(of=make_form(news, other))
        assert not Subscription.objects.exists()
        assert len(mails()) == 1


def _hidden(send: Send) -> dict[str, str]:
    form = SignupForm.objects.get()
    hidden = stamped(form)
    send(**hidden)
    return hidden


# Limits of mails ---------------------------------------------------------------------------------


def test_one_mail_an_hour_for_an_address_and_list(send: Send) -> None:
    send()
    send()
    assert len(mails()) == 1
    assert (latest().state, latest().reason) == ("refused", "signup_asked_lately")
    earlier = timezone.now() - timedelta(minutes=61)
    ConfirmationMail.objects.update(sent_at=earlier)
    send()
    assert len(mails()) == 2


def test_three_mails_a_day_for_an_address_over_all_forms(
    send: Send, make_form: Callable[..., SignupForm], workspace: Workspace
) -> None:
    for number in range(4):
        one = make_form(factories.make_list(workspace, name=f"List {number}"))
        send(of=one)
    assert len(mails()) == 3
    assert latest().reason == "signup_asked_lately"
    send("other@example.com")
    assert len(mails()) == 4


def test_a_program_that_fills_in_the_trap_gets_nothing(send: Send) -> None:
    answer = send(reply_subject="Buy")
    assert answer.status_code == 303
    assert not mails()
    assert latest().reason == "signup_robot"
