"""Which mails carry which pixel, and what its hits count, from a real mail to the report's row."""

import email
import email.policy
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from contacts.models import Contact
from contacts.provenance import BY_HAND
from contacts.queries import openconsent as query
from contacts.services import openconsent
from relays.models import Relay
from sending.compose import tokens
from sending.models import Event, Mailing, Message, TallyMinute
from sending.services import unknowns
from tests.factories import make_contact
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes
from tests.sending.engine.test_shift import finish
from tracking.models import Hit, PictureHit
from tracking.services import hits

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]
AGREED, REFUSED, SILENT = (f"{name}@x.example" for name in ("agreed", "refused", "silent"))
EVERYBODY, CONSENT, TOTALS, NONE = OpenCounting


@pytest.fixture
def people(workspace: Workspace) -> dict[str, Contact]:
    found = {one: make_contact(workspace, one) for one in (AGREED, REFUSED, SILENT)}
    openconsent.give([found[AGREED].pk], BY_HAND)
    openconsent.withdraw([found[REFUSED].pk], BY_HAND)
    return found


@pytest.fixture
def send(open_to: Open, relay: Relay, people: dict[str, Contact]) -> Callable[..., Mailing]:
    def make(way: str, **options: Any) -> Mailing:
        mailing = open_to(list(people), open_counting=way, **options)
        finish(mailing, relay)
        assert mailing.state == Mailing.State.FINISHED
        return mailing

    return make


def text_of(mail: bytes) -> str:
    """All of a mail, decoded: headers and parts."""
    message = email.message_from_bytes(mail, policy=email.policy.default)
    parts = (part for part in message.walk() if not part.is_multipart())
    return "\n".join([str(message.items()), *(part.get_content() for part in parts)])


def pixels(sink: Sink) -> dict[str, list[str]]:
    """{recipient: paths of the pixels in his mail}"""
    found = {}
    for _sender, recipient, content in sink.mails:
        paths = re.findall(r"https?://[^\s\"'<>/]+(/e/[ot]/[^\s\"'<>]+)", text_of(content))
        found[recipient] = paths
    return found


def message_to(mailing: Mailing, address: str) -> Message:
    return Message.objects.get(mailing=mailing, address=address)


@pytest.mark.parametrize(
    ("way", "counted"),
    [(EVERYBODY, {AGREED, SILENT}), (CONSENT, {AGREED}), (NONE, set()), (TOTALS, set())],
)
def test_only_who_may_be_counted_gets_a_pixel(
    send: Callable[..., Mailing], sink: Sink, way: str, counted: set[str]
) -> None:
    mailing = send(way)
    for address, found in pixels(sink).items():
        own = f"/e/o/{tokens.make(message_to(mailing, address).pk)}.gif"
        common = [f"/e/t/{tokens.make_total(mailing.pk)}.gif"] if way == TOTALS else []
        assert found == ([own] if address in counted else common)
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.with_pixel) == (3, len(counted))


def test_a_first_answer_is_looked_up(
    open_to: Open, workspace: Workspace, relay: Relay, sink: Sink
) -> None:
    """Without any answer in the range of contacts, nobody is looked up."""
    for way, counted in ((EVERYBODY, True), (CONSENT, False)):
        mailing = open_to([f"{way}@x.example"], open_counting=way)
        assert message_to(mailing, f"{way}@x.example").counts_opens is counted


def test_a_notice_carries_no_pixel(send: Callable[..., Mailing], sink: Sink) -> None:
    mailing = send(EVERYBODY, purpose="notice")
    assert mailing.open_counting == NONE
    assert set(map(len, pixels(sink).values())) == {0}


def test_a_mail_that_only_the_renderer_can_make_has_the_same_pixel(
    send: Callable[..., Mailing], sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sending.compose.composer.Composer._assemble", lambda *_: None)
    mailing = send(TOTALS)
    common = f"/e/t/{tokens.make_total(mailing.pk)}.gif"
    assert list(pixels(sink).values()) == [[common]] * 3


def test_a_consent_withdrawn_after_the_freeze(
    open_to: Open, relay: Relay, sink: Sink, people: dict[str, Contact]
) -> None:
    mailing = open_to(list(people), open_counting=CONSENT)
    assert message_to(mailing, AGREED).counts_opens
    openconsent.withdraw([people[AGREED].pk], BY_HAND)
    assert not message_to(mailing, AGREED).counts_opens
    finish(mailing, relay)
    assert set(map(len, pixels(sink).values())) == {0}
    assert assert_closes(mailing).with_pixel == 0


@pytest.mark.parametrize(("way", "who"), [(CONSENT, AGREED), (EVERYBODY, SILENT)])
def test_a_consent_withdrawn_while_the_audience_was_frozen(  # noqa: PLR0917 - fixtures
    open_to: Open, relay: Relay, sink: Sink, people: dict[str, Contact], way: str, who: str
) -> None:
    """The withdrawal could not see the message: the claim looks again."""
    mailing = open_to(list(people), open_counting=way)
    with transaction.atomic():
        query.write([people[who].pk], query.OpenAnswer(given=False, source=BY_HAND))
    assert message_to(mailing, who).counts_opens
    finish(mailing, relay)
    assert pixels(sink)[who] == []
    assert not message_to(mailing, who).counts_opens
    assert_closes(mailing)


def test_a_consent_withdrawn_after_the_mail_went_out(
    send: Callable[..., Mailing], sink: Sink, client: Client, people: dict[str, Contact]
) -> None:
    mailing, earlier = send(CONSENT), send(CONSENT)
    [pixel] = pixels(sink)[AGREED]
    assert client.get(pixel, headers={"user-agent": "Reader"}).status_code == 200
    hits.record_hits()
    message = message_to(earlier, AGREED)
    assert message.opened_at is not None
    assert Event.objects.filter(message=message, kind="opened").count() == 1
    # This hit is not recorded yet when the person withdraws.
    assert client.get(pixel).status_code == 200

    openconsent.withdraw([people[AGREED].pk], BY_HAND)
    assert client.get(pixel).status_code == 200
    assert hits.record_hits() == 2
    message = message_to(earlier, AGREED)
    assert (message.opened_at, message.counts_opens) == (None, False)
    assert not Event.objects.filter(kind="opened").exists()
    tally = earlier.tally
    tally.refresh_from_db()
    # What was counted stays, without the person.
    assert (tally.opened, tally.opened_unnamed, tally.with_pixel) == (1, 1, 1)
    assert TallyMinute.objects.filter(mailing=earlier, opened=1).count() == 1
    other = mailing.tally
    other.refresh_from_db()
    assert (other.opened, other.opened_unnamed) == (0, 0)


def test_clicks_count_without_a_consent(
    send: Callable[..., Mailing], people: dict[str, Contact]
) -> None:
    mailing = send(CONSENT)
    refused = message_to(mailing, REFUSED)
    # Within seconds it would be a machine's.
    later = timezone.now() + timedelta(minutes=5)
    hits.keep(refused.pk, "opened", at=later)
    hits.keep(refused.pk, "clicked", link=0, at=later)
    hits.record_hits()
    refused.refresh_from_db()
    assert (refused.opened_at, bool(refused.clicked_at)) == (None, True)
    assert [one.kind for one in Event.objects.filter(message=refused)] == ["clicked"]


def test_a_withdrawal_that_the_row_does_not_know_counts_nothing_either(
    send: Callable[..., Mailing], people: dict[str, Contact]
) -> None:
    mailing = send(CONSENT)
    message = message_to(mailing, AGREED)
    openconsent.withdraw([people[AGREED].pk], BY_HAND)
    Message.objects.filter(pk=message.pk).update(counts_opens=True)
    hits.keep(message.pk, "opened")
    hits.record_hits()
    assert not Event.objects.exists()


def test_consent_given_again_counts_the_next_mail_only(
    send: Callable[..., Mailing], people: dict[str, Contact]
) -> None:
    before = send(CONSENT)
    openconsent.withdraw([people[AGREED].pk], BY_HAND)
    openconsent.give([people[AGREED].pk], BY_HAND)
    after = send(CONSENT)
    for mailing in (before, after):
        hits.keep(message_to(mailing, AGREED).pk, "opened")
    hits.record_hits()
    assert Event.objects.get().mailing_id == after.pk


def test_totals_name_no_person(
    send: Callable[..., Mailing], sink: Sink, client: Client, people: dict[str, Contact]
) -> None:
    mailing = send(TOTALS)
    ids = list(Message.objects.filter(mailing=mailing).values_list("pk", flat=True))
    found = {path for paths in pixels(sink).values() for path in paths}
    [common] = found
    # The same in all mails, and in none of them a token of a message in a picture's address.
    assert not any(tokens.make(number) in common for number in ids)
    for _sender, _recipient, content in sink.mails:
        assert "/e/o/" not in text_of(content)
    answers = [client.get(common, headers={"user-agent": "Reader"}) for _time in range(3)]
    assert {answer.headers["Content-Type"] for answer in answers} == {"image/gif"}
    client.head(common)
    assert not Hit.objects.exists()
    assert {field.name for field in PictureHit._meta.fields} == {"id", "mailing_id", "minute"}
    assert hits.record_pictures() == 3
    assert hits.record_pictures() == 0
    tally = mailing.tally
    tally.refresh_from_db()
    assert (tally.pictures_loaded, tally.opened) == (3, 0)
    assert not Event.objects.exists()
    assert not Message.objects.exclude(opened_at=None).exists()
    assert sum(one.pictures_loaded for one in TallyMinute.objects.filter(mailing=mailing)) == 3


def test_nobody_counts_for_others(send: Callable[..., Mailing], client: Client) -> None:
    totals, personal = send(TOTALS), send(EVERYBODY)
    message = message_to(personal, AGREED)
    genuine = tokens.make_total(totals.pk)
    forged = [
        f"0{genuine[1:]}" if genuine[0] != "0" else f"1{genuine[1:]}",
        # A message's token is none of a mailing, whatever its number; nor the other way round.
        tokens.make(totals.pk),
        tokens.make(message.pk),
        # A mailing that counts in another way.
        tokens.make_total(personal.pk),
        tokens.make_total(totals.pk + 1000),
    ]
    for token in forged:
        assert client.get(f"/e/t/{token}.gif").headers["Content-Type"] == "image/gif"
    client.get(f"/e/o/{genuine}.gif")
    client.get(f"/e/o/{tokens.make_total(message.pk)}.gif")
    hits.record_pictures()
    hits.record_hits()
    for mailing in (totals, personal):
        mailing.tally.refresh_from_db()
        assert (mailing.tally.pictures_loaded, mailing.tally.opened) == (0, 0)


def test_messages_counted_as_sent_have_their_pixel(
    open_to: Open, people: dict[str, Contact]
) -> None:
    mailing = open_to(list(people), open_counting=CONSENT)
    rows = Message.objects.filter(mailing=mailing)
    rows.update(state=Message.State.UNKNOWN, reason="in_doubt")
    tally = mailing.tally
    tally.waiting, tally.unknown = 0, 3
    tally.save()
    unknowns.count_as_sent(mailing, rows)
    tally.refresh_from_db()
    assert (tally.accepted, tally.with_pixel) == (3, 1)


def test_an_open_of_an_unknown_message_proves_that_it_was_accepted(
    open_to: Open, people: dict[str, Contact]
) -> None:
    mailing = open_to(list(people), open_counting=CONSENT)
    rows = Message.objects.filter(mailing=mailing)
    rows.update(state=Message.State.UNKNOWN, reason="in_doubt")
    tally = mailing.tally
    tally.waiting, tally.unknown = 0, 3
    tally.save()
    for address in (AGREED, REFUSED):
        hits.keep(message_to(mailing, address).pk, "opened")
    hits.record_hits()
    tally.refresh_from_db()
    assert (tally.accepted, tally.with_pixel, tally.unknown, tally.opened) == (1, 1, 2, 1)
