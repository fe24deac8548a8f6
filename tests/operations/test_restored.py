"""What people see and decide after a restore: banner, page and command."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import User, Workspace
from accounts.permissions import Role
from campaigns.models import Campaign
from contacts.provenance import Source
from sending.host import journal, sentlog
from sending.models import (
    Fence,
    Freezing,
    HostPosition,
    HostReport,
    Installation,
    Mailing,
    Message,
    SentRange,
)
from sending.queries.claim import claim
from sending.services import fence
from tests.sending.engine.conftest import design, open_to, relay

__all__ = ["design", "open_to", "relay"]
pytestmark = pytest.mark.django_db
Open = Callable[..., Mailing]
ADDRESSES = [f"person{number}@x.example" for number in range(10)]


@pytest.fixture(autouse=True)
def var(settings: Settings, tmp_path: Path) -> None:
    settings.VAR = tmp_path


@pytest.fixture
def mailing(open_to: Open, workspace: Workspace) -> Mailing:
    """Under way; its host knows of 4 that were accepted and 1 without an answer."""
    made = open_to(ADDRESSES)
    Campaign.objects.create(
        workspace=workspace, name="Spring", state=Campaign.State.STARTED, mailing=made
    )
    fence.is_open()
    ids = list(Message.objects.order_by("pk").values_list("pk", flat=True))
    about = sentlog.About(Installation.objects.get().key, made.pk, Source("campaign", 7))
    sentlog.append(journal.sent_directory(), about, ids[:4], ids[4:5])
    return made


def command(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("fence", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_nothing_is_stopped(owner_client: Client, mailing: Mailing) -> None:
    assert command() == (0, "Nothing is stopped.\n")
    assert "database was restored" not in owner_client.get("/w/brand/").content.decode()
    assert "Nothing is stopped" in owner_client.get("/w/brand/restored/").content.decode()


def test_an_owner_decides(
    owner_client: Client, mailing: Mailing, workspace: Workspace, make_member: Callable[..., User]
) -> None:
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    home = owner_client.get("/w/brand/").content.decode()
    assert "Nothing is sent until an owner decides" in home
    assert "/w/brand/restored/" in home
    viewer = Client()
    viewer.force_login(
        make_member(workspace, Role.VIEWER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    seen = viewer.get("/w/brand/").content.decode()
    assert "Nothing is sent" in seen
    assert "/w/brand/restored/" not in seen
    assert viewer.get("/w/brand/restored/").status_code == 403

    page = owner_client.get("/w/brand/restored/").content.decode()
    assert "Spring" in page
    assert "does not know: 4 accepted, 1 handed over without an answer" in page
    assert "the other 5 get the mail" in page
    resumed = owner_client.post(f"/w/brand/campaigns/{Campaign.objects.get().pk}/resume/")
    assert resumed.status_code in {200, 302}
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.PAUSED
    done = owner_client.post(
        "/w/brand/restored/", {f"mailing-{mailing.pk}": "go_on"}, follow=True
    ).content.decode()
    assert "5 messages count as sent" in done
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.SENDING
    assert (mailing.tally.accepted, mailing.tally.unknown, mailing.tally.waiting) == (4, 1, 5)
    assert fence.is_open()


def test_messages_that_were_claimed_at_the_time_of_the_backup_are_counted_once(
    owner_client: Client, mailing: Mailing
) -> None:
    assert mailing.relay is not None
    claimed = claim(mailing, mailing.relay, holder="lost:journal", limit=7)
    assert claimed is not None
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    assert "the other 5 get the mail" in owner_client.get("/w/brand/restored/").text


@pytest.mark.parametrize(
    ("last", "word", "sentence"),
    [
        (0, "waiting", "It gets the mail, too."),
        (10**9, "in_doubt", "the result of all of them counts as unknown"),
    ],
)
def test_the_rest_of_an_audience_that_was_being_frozen_is_not_kept_secret(
    owner_client: Client, mailing: Mailing, last: int, word: str, sentence: str
) -> None:
    Freezing.objects.create(mailing=mailing, next_id=10**9, last_id=10**9, width=1, holdout=0)
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    if last:
        report = HostReport.objects.get()
        SentRange.objects.create(
            report=report, mailing_id=mailing.pk, first_id=10**15, last_id=10**15, accepted=True
        )
    assert sentence in owner_client.get("/w/brand/restored/").text
    assert json.loads(command("--json")[1])["mailings"][0]["rest"] == word
    assert "rest of its audience" in command()[1]


def test_a_new_campaign_has_a_number_that_nobody_has_seen(workspace: Workspace) -> None:
    """The hosts tell of campaigns that are not in the backup by their numbers."""
    before = Campaign.objects.create(workspace=workspace, name="Before").pk
    assert fence.is_open()
    fence.put_up(Fence.Why.OLDER)
    assert Campaign.objects.create(workspace=workspace, name="After").pk > before + 1000


def test_a_host_that_has_not_reported_is_asked_about(
    owner_client: Client, mailing: Mailing
) -> None:
    HostPosition.objects.create(host="away", name="send2", moved_at="2026-01-01T00:00Z")
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    page = owner_client.get("/w/brand/restored/").content.decode()
    assert "send2 has not reported" in page
    answer = owner_client.post("/w/brand/restored/", {f"mailing-{mailing.pk}": "go_on"})
    assert answer.status_code == 400
    assert not fence.is_open()
    code, words = command()
    assert code == 1
    assert "send2 HAS NOT REPORTED (it last sent 2026-01-01T00:00:00+00:00, as far" in words
    with pytest.raises(CommandError, match="send2 sent before and has not reported"):
        command("release")
    assert command("release", "--although-missing") == (0, "Nothing is stopped.\n")
    mailing.refresh_from_db()
    assert mailing.tally.accepted == 4


def test_lines_of_a_log_that_cannot_be_read_are_asked_about(
    owner_client: Client, mailing: Mailing
) -> None:
    (day,) = journal.sent_directory().glob("*")
    with day.open("a") as file:
        file.write("\n\0\0\0\ngarbage\n")
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    sentence = "2 lines of this host's log can't be read: what they say was sent is unknown"
    assert sentence in owner_client.get("/w/brand/restored/").content.decode()
    choice = {f"mailing-{mailing.pk}": "go_on"}
    answer = owner_client.post("/w/brand/restored/", choice)
    assert answer.status_code == 400
    assert "Confirm that some people may get the mail twice" in answer.content.decode()
    assert not fence.is_open()
    code, words = command()
    assert code == 1
    assert f"reported; {sentence}" in words
    assert "asks for --although-missing" in words
    assert json.loads(command("--json")[1])["hosts"][0]["unreadable_lines"] == 2
    with pytest.raises(CommandError, match=sentence):
        command("release")
    owner_client.post("/w/brand/restored/", choice | {"although": "1"})
    assert fence.is_open()
    mailing.refresh_from_db()
    assert mailing.tally.accepted == 4


def test_the_command_keeps_what_it_is_told_to_keep(mailing: Mailing) -> None:
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    code, words = command("--json")
    shown = json.loads(words)
    assert (code, shown["stopped"], shown["why"]) == (1, True, "moved")
    assert shown["mailings"][0]["hosts_know_accepted"] == 4
    with pytest.raises(CommandError, match="Nothing is to be decided about 999"):
        command("release", "--keep-paused", "999")
    assert command("release", "--keep-paused", str(mailing.pk))[0] == 0
    mailing.refresh_from_db()
    assert (mailing.state, mailing.tally.waiting) == (Mailing.State.PAUSED, 5)


def test_another_workspaces_campaigns_stay_paused(
    owner_client: Client,
    mailing: Mailing,
    stranger_client: Client,
    other_workspace: Workspace,
) -> None:
    fence.put_up(Fence.Why.MOVED)
    fence.attend()
    page = stranger_client.get("/w/other/restored/").content.decode()
    assert "Spring" not in page
    stranger_client.post("/w/other/restored/", {f"mailing-{mailing.pk}": "go_on"})
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.PAUSED
    assert "wait for a decision" in owner_client.get("/w/brand/").content.decode()


def test_campaigns_from_the_command_line(mailing: Mailing, workspace: Workspace) -> None:
    Campaign.objects.create(workspace=workspace, name="Draft")
    planned = Campaign.objects.create(
        workspace=workspace, name="Autumn", state="scheduled", scheduled_at="2030-01-01T10:00Z"
    )

    def campaign(*arguments: str) -> str:
        out = StringIO()
        call_command("campaign", *arguments, stdout=out)
        return out.getvalue()

    listed = campaign("list")
    assert len(listed.splitlines()) == 2
    assert "brand  sending  0 of 10  Spring" in listed
    assert f"{planned.pk}  brand  scheduled  for 2030-01-01" in listed
    assert len(json.loads(campaign("list", "--json"))) == 2
    assert "paused" in campaign("pause-all")
    assert campaign("pause-all") == "none\n"
    mailing.refresh_from_db()
    assert mailing.state == Mailing.State.PAUSED
    with pytest.raises(CommandError, match="no workspace"):
        campaign("list", "--workspace", "nope")
    with pytest.raises(CommandError, match="neither a number"):
        campaign("lst")
