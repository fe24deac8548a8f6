"""Mailings through a real Exim that takes seven mails and ten other commands on a connection."""

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Workspace
from relays.models import Lane, Relay
from sending.engine import shift
from sending.models import Mailing, Message
from sending.services import dispatch
from tests import factories
from tests.mailhost.exim import MAILS, Exim
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Open = Callable[..., Mailing]


@pytest.fixture
def relay(workspace: Workspace, exim: Exim) -> Relay:
    return factories.make_relay(
        workspace, name="Exim", port=exim.port, bounce_address="bounces@sender.test"
    )


def _untroubled(relay: Relay) -> None:
    relay.refresh_from_db()
    assert (relay.state, relay.wait_until, relay.failures) == ("active", None, 0)
    assert (relay.exchange, relay.exchange_why) == ("", "")
    assert not Lane.objects.filter(relay=relay).exists()


@pytest.mark.parametrize("chunking", [False, True])
def test_a_mailing_goes_out_in_one_turn(
    exim: Exim, relay: Relay, open_to: Open, owner_client: Client, chunking: bool
) -> None:
    Relay.objects.filter(pk=relay.pk).update(chunking=chunking)
    relay.refresh_from_db()
    people = [f"person{number}@place{number % 5}.test" for number in range(300)]
    mailing = open_to(people, relay=relay)
    shift.run(relay)
    dispatch.tend_mailings()
    mailing.refresh_from_db()
    tally = assert_closes(mailing)
    if not chunking:
        assert mailing.state == Mailing.State.FINISHED, exim.log()[-3000:]
        assert tally.accepted == 300
        assert exim.received() == dict.fromkeys(people, 1)
        assert not Message.objects.filter(mailing=mailing, attempts__gt=1).exists()
    else:
        # Contents that were behind the refused one come again in some seconds; none is in doubt.
        assert tally.unknown == 0
        assert tally.accepted + tally.waiting == 300
        assert max(exim.received().values()) == 1
        assert sum(exim.received().values()) == tally.accepted
    _untroubled(relay)
    assert relay.messages_per_connection_found == MAILS
    page = owner_client.get(f"/w/{relay.workspace.slug}/relays/{relay.pk}/").content.decode()
    assert f"{MAILS} messages on each, found automatically" in page


def test_unknown_recipients_in_a_row(exim: Exim, relay: Relay, open_to: Open) -> None:
    """Each leaves a RSET behind, and Exim hangs up on the twelfth."""
    Relay.objects.filter(pk=relay.pk).update(connections=1)
    relay.refresh_from_db()
    unknown = [f"nobody{number}@place.test" for number in range(16)]
    mailing = open_to([*unknown, "ann@place.test"], relay=relay)
    while dispatch.relays_to_run():
        shift.run(relay)
    tally = assert_closes(mailing)
    assert (tally.accepted, tally.failed) == (1, 16), exim.log()[-3000:]
    assert "nonmail" not in exim.log()
    _untroubled(relay)
