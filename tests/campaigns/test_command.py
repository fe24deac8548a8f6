"""`manage.py campaign`: the same as the page, with exit codes."""

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from accounts.models import Workspace
from campaigns.management.commands import campaign as command
from campaigns.models import Campaign
from contacts.models import Contact
from relays.models import Relay
from sending.engine import shift
from sending.models import Mailing
from sending.services import dispatch

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]


def run(campaign: Campaign | int, verb: str, *options: str) -> str:
    out = StringIO()
    number = campaign if isinstance(campaign, int) else campaign.pk
    call_command("campaign", str(number), verb, *options, stdout=out)
    return out.getvalue()


def test_report_says_everything_about_everybody(start: Start, send: Send) -> None:
    campaign = start(
        "a@x.example", "gone@x.example", "reject@x.example", "drop@x.example", "defer@x.example"
    )
    Contact.objects.get(email="gone@x.example").delete()
    send()
    text = run(campaign, "report")
    assert text.startswith(f"Spring sale (campaign {campaign.pk}): sending")
    for line in (
        "           1  accepted",
        "           1  failed",
        "           1  skipped",
        "           1  unknown",
        "           0  in flight",
        "           1  waiting",
        "           5  targeted",
        "           1  The contact was deleted",
        "           1  The address does not exist: 550 5.1.1 User unknown",
        "           1  hard bounced",
    ):
        assert line in text.splitlines(), text


def test_what_waits_is_said_part_by_part(start: Start, send: Send) -> None:
    """A relay and one of its providers wait, each until another moment."""
    campaign = start("a@x.example")
    assert campaign.mailing_id is not None
    until = (timezone.now() + timedelta(hours=1)).isoformat()
    Mailing.objects.filter(pk=campaign.mailing_id).update(
        waits=[
            {"reason": "per_hour", "relay": "SES", "until": until},
            {"reason": "rate", "relay": "Own", "lane": "qq", "words": "450 4.7.1 slow down"},
        ]
    )
    first, second = (one for one in run(campaign, "status").splitlines() if "  waits:" in one)
    assert first.startswith("  waits: SES: ")
    assert first.endswith(f", goes on {until[:19]}{until[26:]}")
    assert second.startswith("  waits: Own, ")
    assert second.endswith(" (450 4.7.1 slow down)")


def test_what_the_whole_campaign_waits_for_is_said_once(start: Start) -> None:
    campaign = start("a@x.example")
    Mailing.objects.filter(pk=campaign.mailing_id or 0).update(
        wait_reason="host_disk_full", waits=[{"reason": "host_disk_full"}]
    )
    text = run(campaign, "status")
    assert text.count("  waits: ") == 1
    assert "disk is full" in text


def test_nobody_knows_when_it_ends(start: Start) -> None:
    """Nobody waits any more, and a worker still holds some."""
    shown = command.status(start("a@x.example")) | {"per_second": 12.5, "done_about": None}
    assert "  12.5 a second" in command.text(shown).splitlines()


def test_json_adds_up(start: Start, send: Send) -> None:
    campaign = start("a@x.example", "reject@x.example", "defer@x.example")
    send()
    shown = json.loads(run(campaign, "report", "--json"))
    assert sum(shown["ledger"].values()) == shown["targeted"] == 3
    assert shown["state"] == "sending"
    assert shown["failures"] == [
        {
            "reason": "The address does not exist",
            "code": "address",
            "reply": "550 5.1.1 User unknown",
            "count": 1,
        }
    ]
    assert json.loads(run(campaign, "status", "--json"))["done"] == 2


def test_pause_resume_cancel(start: Start, send: Send) -> None:
    campaign = start("a@x.example", "b@x.example")
    assert "paused" in run(campaign, "pause").splitlines()[0]
    send()
    assert "2  waiting" in run(campaign, "status")
    assert "sending" in run(campaign, "resume").splitlines()[0]
    text = run(campaign, "cancel")
    assert "cancelled" in text.splitlines()[0]
    assert "2  skipped" in text


def test_what_can_not_be_done_is_said_with_exit_code_1(start: Start, send: Send) -> None:
    campaign = start("a@x.example")
    send()
    with pytest.raises(CommandError, match="finished") as error:
        run(campaign, "pause")
    assert error.value.returncode == 1


def test_no_such_campaign_is_exit_code_2(start: Start, other_workspace: Workspace) -> None:
    with pytest.raises(CommandError, match="There is no campaign 12345") as error:
        run(12345, "status")
    assert error.value.returncode == 2
    campaign = start("a@x.example")
    assert "sending" in run(campaign, "status", "--workspace", "brand")
    with pytest.raises(CommandError, match='in the workspace "other"') as error:
        run(campaign, "cancel", "--workspace", "other")
    assert error.value.returncode == 2
    campaign.refresh_from_db()
    assert campaign.mailing is not None
    assert campaign.mailing.state == "sending"


def test_a_draft_has_a_status(make_campaign: Callable[..., Campaign]) -> None:
    assert ": draft" in run(make_campaign(), "status")
    assert ": draft" in run(make_campaign(), "report")


def test_watch_ends_when_it_is_over(start: Start, relay: Relay) -> None:
    campaign = start("a@x.example", "b@x.example")

    def work() -> None:
        try:
            while dispatch.relays_to_run():
                shift.run_all(linger=0.2)
            dispatch.tend_mailings()
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    text = run(campaign, "status", "--watch")
    worker.join(30)
    assert ": finished" in text
    assert "2  accepted" in text


def test_watch_of_a_cancelled_one_is_exit_code_1(start: Start) -> None:
    campaign = start("a@x.example")
    run(campaign, "cancel")
    with pytest.raises(SystemExit) as error:
        run(campaign, "status", "--watch")
    assert error.value.code == 1


def test_help_has_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        call_command("campaign", "--help")
    assert "exit codes:" in capsys.readouterr().out


@pytest.mark.parametrize("number", ["9" * 5000, "9" * 25, "²", "-1"])
@pytest.mark.django_db
def test_what_is_no_number_of_a_campaign_is_said(number: str) -> None:
    with pytest.raises(CommandError, match="neither a number nor one of"):
        call_command("campaign", "--", number, "status")
