"""`manage.py collect_bounces`, and the tasks."""

import json

import pytest
from celery import current_app
from django.core.management import CommandError, call_command

from accounts import secrets
from bounces.models import BounceMail, BounceMailbox
from bounces.tasks import collect_due, collect_mailbox
from tests.bounces import returns
from tests.mailservers.imap import Imap


def test_says_what_came_of_it(
    imap: Imap, mailbox: BounceMailbox, capsys: pytest.CaptureFixture[str]
) -> None:
    imap.append(returns.LETTER)
    call_command("collect_bounces", "--once")
    assert capsys.readouterr().out == (
        f"Bounces ({mailbox.pk}): 1 mails fetched; nothing about our messages, 0 unproven, "
        "1 not ours; 0 addresses suppressed.\n"
    )


def test_json_and_exit_code(mailbox: BounceMailbox, capsys: pytest.CaptureFixture[str]) -> None:
    BounceMailbox.objects.update(password=secrets.encrypt("wrong"))
    with pytest.raises(SystemExit) as left:
        call_command("collect_bounces", "--once", "--json", mailbox=mailbox.pk)
    assert left.value.code == 1
    facts = json.loads(capsys.readouterr().out)
    assert facts["mailbox"] == mailbox.pk
    assert facts["error"].startswith("The server refuses this user and password.")


def test_unknown_mailbox(db: None) -> None:
    with pytest.raises(CommandError, match="There is no bounce mailbox 99"):
        call_command("collect_bounces", "--once", mailbox=99)


def test_nothing_to_collect(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("collect_bounces", "--once")
    assert "There is no bounce mailbox to collect" in capsys.readouterr().err


def test_task_collects(imap: Imap, mailbox: BounceMailbox) -> None:
    imap.append(returns.LETTER)
    collect_mailbox(mailbox.pk)
    collect_mailbox(mailbox.pk)
    assert BounceMail.objects.count() == 1


def test_nudges_are_for_the_queue_of_mailboxes(
    mailbox: BounceMailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    nudged: list[tuple[object, object]] = []

    def take(arguments: object, expires: int) -> None:
        nudged.append((arguments, expires))

    monkeypatch.setattr(collect_mailbox, "apply_async", take)
    collect_due()
    assert nudged == [((mailbox.pk,), 10)]
    assert current_app.amqp.router.route({}, collect_mailbox.name)["queue"].name == "mailboxes"
