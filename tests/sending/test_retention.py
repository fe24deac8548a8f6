"""Old detail is dropped, block by block (services.retention); links in old mails go on working."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.audience import AudiencePart
from contacts.models import Contact, FormerAddress, Suppression
from contacts.queries import audience, formeraddresses
from contacts.services import contacts as contact_service
from sending import blocks
from sending.compose import tokens
from sending.models import Event, Mailing, Message, PastRecipients, Tally
from sending.queries import blocks as tables
from sending.queries import dropping, events, past
from sending.services import blocks as turning
from sending.services import retention
from sending.services.retrying import retry_failed
from sending.services.unknowns import count_as_sent
from tracking.models import Hit
from tracking.services import hits

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(days=400)
BEFORE = timezone.now() - timedelta(days=300)


@pytest.fixture
def old(sent: Callable[..., list[Message]]) -> list[Message]:
    """Of a mailing that ended long ago; its block is closed."""
    made = sent("anna@x.example", "ben@x.example", "carl@x.example")
    messages = sorted(made, key=lambda message: message.address)
    finish(messages[0].mailing)
    turning.turn()
    return messages


def finish(mailing: Mailing, **changes: object) -> None:
    ago = timezone.now() - LONG_AGO
    values = {"state": "finished", "opened_at": ago, "finished_at": ago} | changes
    Mailing.objects.filter(pk=mailing.pk).update(**values)
    Tally.objects.filter(mailing=mailing).update(waiting=0, accepted=3)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("drop_details", "--before", BEFORE.date().isoformat(), *arguments, stdout=out)
    return out.getvalue()


def exist(block: int) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ %s",
            [f"^sending_(message|event|leftout|streamitem)_{block}$"],
        )
        return [row[0] for row in cursor.fetchall()]


def unsubscribe(message: Message) -> int:
    answer = Client(enforce_csrf_checks=True).post(
        f"/e/u/{tokens.make(message.pk)}",
        "List-Unsubscribe=One-Click",
        content_type="application/x-www-form-urlencoded",
    )
    return answer.status_code


def test_a_block_is_dropped_and_counts_stay(
    old: list[Message], sent: Callable[..., list[Message]]
) -> None:
    block = blocks.of_message(old[0].pk)
    (new,) = sent("anna@x.example")
    events.record([events.EventRow(old[0].pk, Event.Kind.OPENED, timezone.now())])
    dry = run("--dry-run")
    assert "mailings: 1, messages: 3, bytes: " in dry
    assert len(exist(block)) == 4

    said = run("--no-input")
    assert f"block {block} is dropped" in said
    assert exist(block) == []
    assert block not in tables.standing()
    assert list(Message.objects.all()) == [new]
    assert not Event.objects.exists()
    mailing = Mailing.objects.get(pk=old[0].mailing_id)
    assert mailing.details_dropped_at is not None
    assert (mailing.tally.accepted, mailing.tally.opened) == (3, 1)
    assert mailing.minutes.get().opened == 1
    assert "Nothing is to be dropped." in run()


def test_it_asks_first(old: list[Message], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert "Nothing was dropped." in run()
    assert Message.objects.count() == 3
    monkeypatch.setattr("builtins.input", lambda _: "drop")
    run()
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    ("changes", "tally", "why"),
    [
        ({"state": "sending", "finished_at": None}, {}, "is being sent"),
        ({"state": "paused", "finished_at": None}, {}, "is paused"),
        ({"state": "sending", "kind": "stream"}, {}, "is a stream that is open"),
        ({"state": "cancelled"}, {"waiting": 1}, "has messages that wait to be skipped"),
        (
            {},
            {"unjudged_since": timezone.now()},
            "has refused addresses that are still being judged",
        ),
        ({}, {"unknown": 1200}, "has messages with an unknown result (1,200)"),
        ({"finished_at": timezone.now() - timedelta(days=299)}, {}, "ended later"),
    ],
)
def test_what_is_not_over_keeps_its_block(
    old: list[Message], changes: dict[str, object], tally: dict[str, object], why: str
) -> None:
    mailing = old[0].mailing
    finish(mailing, **changes)
    Tally.objects.filter(mailing=mailing).update(**tally)
    said = run("--no-input")
    assert f"mailing {mailing.pk} (brand, campaign 7) {why}" in said
    assert "Nothing is to be dropped." in said
    assert Message.objects.count() == 3


def test_a_mailing_of_a_deleted_workspace_cannot_be_resumed(old: list[Message]) -> None:
    mailing = old[0].mailing
    finish(mailing, state="paused", finished_at=None)
    Workspace.objects.update(deleted_at=timezone.now())
    said = run("--no-input")
    assert "campaign 7) belongs to a deleted workspace, which is being erased" in said
    assert "resume" not in said


def test_the_present_block_is_never_dropped(sent: Callable[..., list[Message]]) -> None:
    (message,) = sent("anna@x.example")
    finish(message.mailing)
    said = run("--no-input")
    assert "Nothing is to be dropped." in said
    block = blocks.of_message(message.pk)
    assert f"block {block} (opened from " in said
    assert "): mailings: 1, messages: " in said
    assert "  is kept: mailings are still opened in it" in said


def test_what_begins_again_meanwhile_is_kept(old: list[Message]) -> None:
    (block,) = retention.look(BEFORE)
    Mailing.objects.update(state=Mailing.State.SENDING)
    with pytest.raises(retention.BlockKeptError):
        retention.drop(block, BEFORE)
    assert Message.objects.count() == 3
    assert not Mailing.objects.filter(details_dropped_at__isnull=False).exists()


@pytest.mark.parametrize("dies_at", ["keep_recipients", "drop"])
def test_a_drop_that_dies_is_finished_by_the_next(
    old: list[Message], dies_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = blocks.of_message(old[0].pk)
    real = getattr(dropping, dies_at)

    def die(*arguments: object) -> None:
        real(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(dropping, dies_at, die)
    with pytest.raises(KeyboardInterrupt):
        run("--no-input")
    monkeypatch.setattr(dropping, dies_at, real)
    # Dropped or not by now: nothing of it is sent again, and links work.
    assert retry_failed(old[0].mailing).messages == 0
    assert count_as_sent(old[0].mailing) == 0
    assert f"block {block} is dropped" in run("--no-input")
    assert exist(block) == []
    assert past.find([one.pk for one in old]).keys() == {one.pk for one in old}


def test_two_do_not_drop_at_once(old: list[Message]) -> None:
    (block,) = retention.look(BEFORE)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('sending_drop'))")
        with pytest.raises(CommandError, match="Run this again when it has ended"):
            run("--no-input")
        assert Message.objects.count() == 3
    finally:
        other.close()
    run("--no-input")
    # The other one had looked before, too.
    retention.drop(block, BEFORE)
    assert exist(block.number) == []


def test_a_table_that_was_detached_is_dropped(old: list[Message]) -> None:
    block = blocks.of_message(old[0].pk)
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE sending_event DETACH PARTITION sending_event_{block} CONCURRENTLY"
        )
    run("--no-input")
    assert exist(block) == []


@pytest.mark.slow
def test_a_table_in_use_is_tried_again(old: list[Message]) -> None:
    """Whoever reads a block keeps it for so long; nobody who reads or writes others waits."""
    (block,) = retention.look(BEFORE)
    other = connection.copy()
    pauses: list[float] = []

    def end(seconds: float) -> None:
        pauses.append(seconds)
        other.close()

    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM sending_event")
            retention.drop(block, BEFORE, pause=end)
    except OperationalError:
        pass
    finally:
        other.close()
    assert exist(block.number) == []
    assert pauses


def test_unsubscribe_works_for_as_long_as_the_mail_lies_somewhere(old: list[Message]) -> None:
    run("--no-input")
    assert unsubscribe(old[1]) == 200
    ben = Contact.objects.get(email="ben@x.example")
    assert ben.subscriptions.get().status == "unsubscribed"
    assert not Contact.objects.get(email="anna@x.example").subscriptions.filter(
        status="unsubscribed"
    )
    # It is counted for nobody.
    assert not Hit.objects.exists()


def test_somebody_with_another_address_by_now_leaves_with_both(old: list[Message]) -> None:
    Contact.objects.filter(email="ben@x.example").update(email="ben@new.example")
    run("--no-input")
    assert unsubscribe(old[1]) == 200
    assert Contact.objects.get(email="ben@new.example").subscriptions.get().status == "unsubscribed"
    assert Suppression.objects.filter(value="ben@x.example", reason="unsubscribed").exists()


def move(old: str, new: str) -> None:
    contact = Contact.objects.get(email=old)
    contact_service.update(contact, email=new, known_names={}, attributes={})


def suppressed() -> set[str]:
    return set(Suppression.objects.filter(lifted_at=None).values_list("value", flat=True))


def test_somebody_who_moves_after_the_drop_leaves_with_both(old: list[Message]) -> None:
    run("--no-input")
    move("ben@x.example", "ben@new.example")
    assert unsubscribe(old[1]) == 200
    assert Contact.objects.get(email="ben@new.example").subscriptions.get().status == "unsubscribed"
    assert suppressed() == {"ben@x.example"}
    # The other addresses are as they were.
    assert [past.find([one.pk])[one.pk].address for one in old] == [one.address for one in old]


def test_somebody_leaves_with_each_address_of_old_mails(
    old: list[Message], sent: Callable[..., list[Message]]
) -> None:
    """Mails to two former addresses were dropped; an address from before all mails stays out."""
    move("ben@x.example", "ben@second.example")
    (second,) = sent("ben@second.example")
    finish(second.mailing, opened_at=timezone.now() - LONG_AGO, finished_at=timezone.now())
    move("ben@second.example", "ben@third.example")
    turning.turn()
    Mailing.objects.filter(pk=second.mailing_id).update(finished_at=timezone.now() - LONG_AGO)
    FormerAddress.objects.filter(address="ben@x.example").update(
        since=timezone.now() - 2 * LONG_AGO, until=timezone.now() - LONG_AGO + timedelta(hours=1)
    )
    FormerAddress.objects.filter(address="ben@second.example").update(
        since=timezone.now() - LONG_AGO - timedelta(hours=1)
    )
    ben = Contact.objects.get(email="ben@third.example")
    FormerAddress.objects.create(
        contact=ben,
        address="bne@x.example",
        since=timezone.now() - 3 * LONG_AGO,
        until=timezone.now() - 2 * LONG_AGO,
    )
    run("--no-input")
    assert not Message.objects.exists()
    assert unsubscribe(second) == 200
    assert suppressed() == {"ben@x.example", "ben@second.example"}


def test_an_address_that_got_no_mail_is_not_suppressed(
    old: list[Message], sent: Callable[..., list[Message]]
) -> None:
    """It was a slip, put right before the only mail. Details of older mailings are dropped."""
    run("--no-input")
    mailing = old[0].mailing
    person = contact_service.create(
        mailing.workspace,
        email="nbody@x.example",
        known_names={},
        attributes={},
        source=mailing.source,
    )
    move("nbody@x.example", "dora@x.example")
    (mail,) = sent("dora@x.example")
    assert mail.contact_id == person.pk
    assert unsubscribe(mail) == 200
    assert "nbody@x.example" not in suppressed()


def test_somebody_who_moves_while_it_is_dropped(
    old: list[Message], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = dropping.keep_recipients

    def moving(block: int, first: int) -> None:
        move("ben@x.example", "ben@second.example")
        move("ben@second.example", "ben@third.example")
        real(block, first)

    monkeypatch.setattr(dropping, "keep_recipients", moving)
    run("--no-input")
    assert [past.find([one.pk])[one.pk].address for one in old] == [one.address for one in old]
    # Known as the address of that moment: nothing more is stored.
    assert PastRecipients.objects.get().addresses is None


def test_a_drop_waits_for_a_change_of_an_address(old: list[Message]) -> None:
    """Otherwise it could not be told whether the change was before it."""
    (block,) = retention.look(BEFORE)
    other = connection.copy()
    try:
        with other.cursor() as cursor, connection.cursor() as mine:
            cursor.execute("BEGIN")
            cursor.execute(formeraddresses.SHARE)
            mine.execute("SET lock_timeout = '10ms'")
            with pytest.raises(OperationalError):
                retention.drop(block, BEFORE)
            mine.execute("RESET lock_timeout")
    finally:
        other.close()
    assert not Mailing.objects.filter(details_dropped_at__isnull=False).exists()
    retention.drop(block, BEFORE)
    assert exist(block.number) == []


def test_former_addresses_go_with_the_contact(old: list[Message]) -> None:
    move("ben@x.example", "ben@new.example")
    assert FormerAddress.objects.get().address == "ben@x.example"
    assert contact_service.delete(Contact.objects.filter(email="ben@new.example")) == 1
    assert not FormerAddress.objects.exists()


def test_a_contact_that_is_gone(old: list[Message]) -> None:
    """Deleted before: the address is kept, and suppressed. Deleted afterwards: nothing is left that
    could be unsubscribed, and the page says so."""
    Contact.objects.get(email="anna@x.example").delete()
    run("--no-input")
    Contact.objects.get(email="ben@x.example").delete()
    assert unsubscribe(old[0]) == 200
    assert Suppression.objects.filter(value="anna@x.example").exists()
    page = Client().get(f"/e/u/{tokens.make(old[1].pk)}")
    assert page.status_code == 200
    assert "We no longer have your address" in page.content.decode()


def test_links_lead_on_and_count_nothing(old: list[Message]) -> None:
    content = old[0].mailing.content
    content.links = ["https://shop.example/"]
    content.save()
    hits.keep(old[0].pk, Event.Kind.OPENED)
    run("--no-input")
    token = tokens.make(old[0].pk)
    assert Client().get(f"/e/c/{token}/0").headers["Location"] == "https://shop.example/"
    assert Client().get(f"/e/o/{token}.gif").status_code == 200
    assert Client().get(f"/e/v/{token}").status_code == 200
    Mailing.objects.update(kind=Mailing.Kind.STREAM)
    # Without the data of its own it would be another mail.
    assert Client().get(f"/e/v/{token}").status_code == 404
    hits.record_hits()
    assert not Hit.objects.exists()
    assert not Event.objects.exists()
    tally = Tally.objects.get(mailing=old[0].mailing)
    assert (tally.opened, tally.clicked) == (0, 0)


def test_recipients_of_a_mailing_that_was_dropped_are_left_out_of_another(
    old: list[Message], sent: Callable[..., list[Message]]
) -> None:
    run("--no-input")
    mailing = old[0].mailing
    part = AudiencePart("mailing", (mailing.pk,))
    counted = audience.count(replace(mailing.people, exclude=(part,)))
    assert (counted["recipients"], counted["excluded"]) == (0, {"excluded_mailing": 3})


def test_whom_mails_were_to_takes_little_room(old: list[Message]) -> None:
    """Neighbours share a row; those that were never handed over are not kept."""
    Message.objects.filter(pk=old[2].pk).update(state=Message.State.SKIPPED)
    Message.objects.filter(pk=old[1].pk).update(variant=1)
    kept = sorted(old[:2], key=lambda message: message.pk)
    contacts = [message.contact_id for message in kept]
    run("--no-input")
    row = PastRecipients.objects.get()
    assert (row.contacts, row.addresses, row.variants) == (
        contacts,
        None,
        [int(message == old[1]) for message in kept],
    )
    found = past.find([one.pk for one in old])
    assert found.keys() == {old[0].pk, old[1].pk}
    assert found[old[1].pk].variant == 1


@pytest.mark.parametrize("day", ["yesterday", "2999-01-01"])
def test_a_wrong_day_is_refused(db: None, day: str) -> None:
    with pytest.raises(CommandError) as error:
        call_command("drop_details", "--before", day)
    assert error.value.returncode == 2
