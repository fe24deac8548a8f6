"""From a claimed message to envelope and content, whichever way its content is rendered."""

import email
import email.policy
from itertools import count

import pytest

from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from contacts.provenance import Source
from designs.models import Content
from relays.models import Relay
from sending.compose import tokens
from sending.compose.composer import Composer
from sending.models import Mailing
from sending.queries.claim import Claimed
from smtp import End, MailObject, Outcome

NUMBERS = count(10_000_000)


def composer(**parts: str) -> Composer:
    """Nothing is saved: a composer asks the database for nothing."""
    every = {"subject": "Hi {{ first_name }}", "text": "Hello {{ first_name }}"} | parts
    workspace = Workspace(name="Brand", postal_address="1 Long Lane")
    mailing = Mailing(
        pk=7,
        workspace=workspace,
        **Source("campaign", 7).columns,
        from_name="Brand",
        from_email="news@brand.example",
        open_counting=OpenCounting.EVERYBODY,
    )
    # As if read from its variants.
    mailing.contents = {0: Content(pk=next(NUMBERS), workspace=workspace, **every)}
    relay = Relay(envelope=Relay.Envelope.VERP, bounce_address="bounces@brand.example")
    return Composer(mailing, relay)


def claimed(address: str = "lee@x.example") -> Claimed:
    return Claimed(id=4_711, contact_id=5, address=address, attempts=0, counts_opens=True)


def subject_of(mail: MailObject | Outcome) -> str:
    assert isinstance(mail, MailObject)
    parsed = email.message_from_bytes(mail.content, policy=email.policy.default)
    return str(parsed["Subject"])


def test_an_envelope_says_which_message_it_is() -> None:
    mail = composer().compose(claimed(), {"email": "lee@x.example", "first_name": "Lee"})
    assert isinstance(mail, MailObject)
    assert (tokens.of_sender(mail.sender), mail.recipient) == (4_711, "lee@x.example")
    assert f"<{tokens.make(4_711)}@brand.example>".encode() in mail.content
    assert subject_of(mail) == "Hi Lee"


@pytest.mark.parametrize(
    "parts",
    [
        {"html": "<p>{{ self }}"},
        {"html": "{% if first_name %}<p>a</p>{% endif %}"},
        {"text": "{{ first_name }}" + "{{ note }}"},
    ],
)
def test_what_is_not_compiled_is_rendered_plainly(parts: dict[str, str]) -> None:
    fields = {"email": "lee@x.example", "first_name": "Lee", "note": ".\n" * 9_000}
    mail = composer(**parts).compose(claimed(), fields)
    assert subject_of(mail) == "Hi Lee"
    assert isinstance(mail, MailObject)
    assert mail.content.endswith(b"\r\n")
    assert b"\r\n." not in mail.content
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998


def test_an_address_in_other_letters_stands_as_it_is() -> None:
    mail = composer().compose(claimed("李@x.example"), {"first_name": "Lee"})
    assert isinstance(mail, MailObject)
    assert mail.recipient == "李@x.example"
    assert "To: Lee <李@x.example>\r\n".encode() in mail.content


def test_who_is_gone_has_an_address_only() -> None:
    assert subject_of(composer(subject="To {{ email }}").compose(claimed(), None)) == (
        "To lee@x.example"
    )


def test_a_mail_that_can_not_be_made_says_why() -> None:
    outcome = composer(text="\n{{ 1 / points }}").compose(claimed(), {"points": 0})
    assert isinstance(outcome, Outcome)
    assert outcome.end is End.NOT_COMPOSED
    assert "text, line 2: ZeroDivisionError" in outcome.words
