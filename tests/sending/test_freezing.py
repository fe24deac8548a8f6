"""Large audiences, which are frozen in pieces while the first recipients get their mail."""

from collections import Counter
from collections.abc import Callable
from contextlib import closing

import pytest
from django.db import connection, transaction
from django.test import Client

from accounts.models import Workspace
from accounts.services import workspaces
from campaigns.models import Campaign
from contacts.audience import LIST, Audience, parts
from contacts.models import Contact, List, Suppression
from sending.models import Freezing, LeftOut, Mailing, MailingLane, Message
from sending.queries.freeze import freeze as freeze_piece
from sending.queries.parts import MAILING
from sending.services import freezing, mailings
from sending.tasks.engine import freeze
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes, design, open_to, relay
from tests.sending.engine.test_guards import deliver

__all__ = ["design", "open_to", "relay"]

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than twelve people are frozen in pieces of about ten."""
    monkeypatch.setattr(freezing, "SMALL", 12)
    monkeypatch.setattr(freezing, "FIRST", 10)
    monkeypatch.setattr(freezing, "MOST", 10)


def people(number: int) -> list[str]:
    return [f"p{one:03}@{('x.example', 'gmail.com', 'qq.com')[one % 3]}" for one in range(number)]


def rest() -> Freezing:
    return Freezing.objects.get()


def test_a_small_audience_is_frozen_at_once(open_to: Open) -> None:
    mailing = open_to(people(12))
    assert not Freezing.objects.exists()
    assert assert_closes(mailing).targeted == 12


def test_the_first_get_their_mail_while_the_rest_is_frozen(open_to: Open, sink: Sink) -> None:
    mailing = open_to(people(45))
    assert assert_closes(mailing).targeted == 10
    deliver(mailing)
    # All that are known have it, and it isn't over.
    assert assert_closes(mailing).accepted == 10
    assert mailing.state == Mailing.State.SENDING
    freeze()
    assert not Freezing.objects.exists()
    assert assert_closes(mailing).targeted == 45
    assert MailingLane.objects.filter(mailing=mailing, lane=0).count() == 5
    deliver(mailing)
    assert mailing.state == Mailing.State.FINISHED
    assert assert_closes(mailing).accepted == 45
    assert sink.accepted == Counter(people(45))


def test_everybody_who_gets_none_has_a_reason_whatever_their_piece(
    open_to: Open, workspace: Workspace, make_list: Callable[..., List]
) -> None:
    for value in (people(40)[1], people(40)[38]):
        Suppression.objects.create(
            workspace=workspace, kind="address", value=value, reason="hard_bounced"
        )
    staff = make_list([people(40)[2], people(40)[39]], name="Staff")
    mailing = open_to(people(40), lists_out=[staff.pk])
    while Freezing.objects.exists():
        freeze()
    mailing.refresh_from_db()
    assert mailing.excluded == {"suppressed_hard_bounced": 2, "excluded": 2}
    assert LeftOut.objects.filter(mailing=mailing).count() == 4
    assert assert_closes(mailing).targeted == 36


def test_a_piece_whose_worker_dies_is_begun_anew(open_to: Open) -> None:
    mailing = open_to(people(45))

    def die() -> None:
        with transaction.atomic():
            freezing.go_on(seconds=0.001)
            assert Message.objects.count() > 10
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert assert_closes(mailing).targeted == 10
    assert rest().next_id == Contact.objects.order_by("pk")[10].pk
    freeze()
    assert assert_closes(mailing).targeted == 45


def test_who_begins_with_people_that_get_none_goes_on_to_the_first_that_does(
    open_to: Open, workspace: Workspace
) -> None:
    for value in people(25):
        Suppression.objects.create(
            workspace=workspace, kind="address", value=value, reason="hard_bounced"
        )
    mailing = open_to(people(45))
    assert assert_closes(mailing).targeted == 5
    freeze()
    assert assert_closes(mailing).targeted == 20


def test_a_cancelled_one_gives_the_rest_their_reason(open_to: Open, sink: Sink) -> None:
    mailing = open_to(people(45))
    mailings.cancel(mailing)
    freeze()
    mailings.tend_cancelled()
    while mailing.tally.waiting:
        mailings.tend_cancelled()
        mailing.tally.refresh_from_db()
    assert assert_closes(mailing).skipped == 45
    assert set(Message.objects.values_list("reason", flat=True)) == {"cancelled"}
    assert not sink.accepted


def test_a_paused_one_is_frozen_and_sends_when_it_is_resumed(open_to: Open, sink: Sink) -> None:
    mailing = open_to(people(45))
    mailings.pause(mailing)
    freeze()
    assert assert_closes(mailing).waiting == 45
    mailings.resume(mailing)
    deliver(mailing)
    assert sink.accepted == Counter(people(45))


def test_who_excludes_its_recipients_knows_all_of_them(
    open_to: Open, workspace: Workspace, sink: Sink
) -> None:
    """Of the second campaign, while the first still is being frozen."""
    first = open_to(people(45))
    deliver(first)
    everybody = parts({LIST: [List.objects.get().pk]})
    audience = Audience(workspace.pk, everybody, parts({MAILING: [first.pk]}))
    second = open_to(["somebody@x.example"], audience=audience)
    assert assert_closes(first).targeted == 45
    assert second.tally.targeted == 0
    assert second.excluded == {"excluded_mailing": 45}


def test_of_a_deleted_workspace_no_more_is_frozen(open_to: Open) -> None:
    mailing = open_to(people(45))
    workspaces.delete(mailing.workspace)
    freeze()
    assert Message.objects.count() == 10


def test_others_pass_over_what_somebody_is_at(open_to: Open) -> None:
    open_to(people(45))
    other = connection.copy()
    with closing(other), other.cursor() as cursor:
        cursor.execute("BEGIN; SELECT 1 FROM sending_freezing FOR UPDATE")
        freezing.go_on()
        assert Message.objects.count() == 10
    freeze()
    assert Message.objects.count() == 45


def test_an_address_that_moves_to_a_contact_of_a_later_piece_gets_one_mail(
    open_to: Open, sink: Sink
) -> None:
    """And one that was left out by then has its reason already."""
    everybody = people(45)
    Suppression.objects.create(
        workspace=Workspace.objects.get(), kind="address", value=everybody[4], reason="manual"
    )
    mailing = open_to(everybody)
    for early, late in ((everybody[3], everybody[40]), (everybody[4], everybody[41])):
        Contact.objects.filter(email=early).update(email=f"new.{early}")
        Contact.objects.filter(email=late).update(email=early)
    other = open_to(people(30))
    freeze()
    assert not Freezing.objects.exists()
    mailing.refresh_from_db()
    assert mailing.excluded == {"suppressed_manual": 1, "address_moved": 1}
    assert assert_closes(mailing).targeted == 42
    assert LeftOut.objects.get(mailing=mailing, reason="address_moved").address == everybody[3]
    deliver(mailing)
    assert max(sink.accepted.values()) <= 2
    assert assert_closes(other).targeted


def test_a_mailing_whose_piece_fails_keeps_no_other_one(
    open_to: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = open_to(people(45)), open_to(people(44))

    def broken(mailing: Mailing, *given: object, **options: object) -> tuple[int, dict[str, int]]:
        if mailing == first:
            raise ValueError("broken")
        return freeze_piece(mailing, *given, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("sending.services.freezing.freeze", broken)
    freeze()
    assert assert_closes(second).targeted == 44
    monkeypatch.setattr("sending.services.freezing.freeze", freeze_piece)
    freeze()
    assert assert_closes(first).targeted == 45


def test_the_page_says_that_more_are_to_come(
    open_to: Open, workspace: Workspace, owner_client: Client
) -> None:
    mailing = open_to(people(45))
    campaign = Campaign.objects.create(
        workspace=workspace, name="Spring", state=Campaign.State.STARTED, mailing=mailing
    )
    url = f"/w/{workspace.slug}/campaigns/{campaign.pk}/"
    assert "still being prepared" in owner_client.get(url, follow=True).text
    freeze()
    assert "still being prepared" not in owner_client.get(url, follow=True).text
