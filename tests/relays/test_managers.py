"""Apps ask what a relay can, and never whether it is the sandbox's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import Workspace
from bounces.models import BounceMailbox
from config.settings import OURS
from operations import doctor
from relays import managers
from relays.models import Relay
from relays.services.relays import server_of

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parent.parent.parent
# Apps that may know it; the settings say whether it is on.
KNOW = {"sandbox", "demo"}


@pytest.fixture
def kept(workspace: Workspace) -> Relay:
    """A relay of the sandbox."""
    return Relay.objects.create(
        workspace=workspace, name="Kept", host="127.0.0.1", managed_by="sandbox", delivers=False
    )


def test_nobody_else_asks_whose_a_relay_is() -> None:
    for app in set(OURS) - KNOW:
        for path in (ROOT / app).rglob("*.py"):
            text = path.read_text()
            for words in ("is_sandbox", 'managed_by="sandbox"', 'managed_by == "'):
                assert words not in text, path
    for path in (ROOT / "templates").rglob("*.html"):
        assert "is_sandbox" not in path.read_text(), path


def test_pages_say_what_its_app_says_of_it(
    owner_client: Client, url: Callable[..., str], kept: Relay, relay: Relay
) -> None:
    words = "it answers like a provider and delivers nothing"
    assert words in owner_client.get(url("relay", kept.pk)).content.decode()
    assert words not in owner_client.get(url("relay", relay.pk)).content.decode()
    limits = owner_client.get(url("edit_relay", kept.pk)).content.decode()
    assert "The sandbox is part of this installation" in limits
    mailbox = BounceMailbox.objects.create(
        workspace=kept.workspace, name="Kept", host="127.0.0.1", managed_by="sandbox"
    )
    page = owner_client.get(url("mailbox", mailbox.pk)).content.decode()
    assert "bounces of its make-believe recipients arrive here" in page


def test_an_app_that_is_gone_leaves_a_page_that_works(
    owner_client: Client, url: Callable[..., str], kept: Relay
) -> None:
    Relay.objects.update(managed_by="gone")
    assert owner_client.get(url("relay", kept.pk)).status_code == 200
    assert managers.off("gone") == ""


def test_only_servers_of_ours_may_be_on_loopback_anywhere(kept: Relay, relay: Relay) -> None:
    assert server_of(kept).trusted
    assert not server_of(relay).trusted
    # It delivers to nobody, so that nobody need be asked; a new relay is asked about.
    Relay.objects.update(tested_at=None)
    kept.refresh_from_db()
    relay.refresh_from_db()
    assert (kept.untested, relay.untested) == (False, True)


def test_doctor_looks_at_no_server_that_is_off(kept: Relay, settings: Settings) -> None:
    settings.SANDBOX = False
    (finding,) = doctor.check_relays()
    assert (finding.level, finding.text) == ("skipped", "not looked at: the mail sandbox is off")
