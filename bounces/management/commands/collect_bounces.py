"""`manage.py collect_bounces`: what the workers do each minute, in the foreground."""

import argparse
import json
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from bounces.models import BounceMailbox
from bounces.services import collecting

# Seconds between two looks at whose turn it is.
PAUSE = 5.0


class Command(BaseCommand):
    help = (
        "Collect the bounce mailboxes: fetch, match, suppress, then move or delete. Without --once "
        "it goes on, each mailbox once a minute, until Ctrl-C. Exits with 1 if a mailbox failed."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="collect each mailbox once")
        parser.add_argument("--mailbox", type=int, metavar="ID", help="only this one")
        parser.add_argument("--json", action="store_true", help="a line of JSON for each mailbox")

    def handle(self, *args: Any, **options: Any) -> None:
        only: int | None = options["mailbox"]
        if only is not None and not BounceMailbox.objects.filter(pk=only).exists():
            raise CommandError(f"There is no bounce mailbox {only}.")
        failed = False
        try:
            if options["once"]:
                for mailbox_id in self._all(only):
                    failed |= not self._collect(mailbox_id, as_json=options["json"])
            else:
                self._go_on(only, as_json=options["json"])
        except KeyboardInterrupt:
            self.stderr.write("Stopped.")
        if failed:
            raise SystemExit(1)

    def _all(self, only: int | None) -> list[int]:
        if only is not None:
            return [only]
        active = BounceMailbox.objects.filter(active=True).order_by("pk")
        found = list(active.values_list("pk", flat=True))
        if not found:
            self.stderr.write("There is no bounce mailbox to collect; add one under Sending.")
        return found

    def _go_on(self, only: int | None, *, as_json: bool) -> None:
        while True:
            for mailbox_id in collecting.due():
                if only in {None, mailbox_id}:
                    self._collect(mailbox_id, as_json=as_json)
            time.sleep(PAUSE)

    def _collect(self, mailbox_id: int, *, as_json: bool) -> bool:
        """Until nothing is left in the mailbox; says what came of it. False if it failed."""
        total = collecting.Collected(more=True)
        while total.more and not total.error:
            part = collecting.collect(mailbox_id)
            total.stored += part.stored
            total.cleared += part.cleared
            total.more, total.busy = part.more, part.busy
            total.error, total.words = part.error, part.words
            collecting.add(total.applied, part.applied)
        mailbox = BounceMailbox.objects.get(pk=mailbox_id)
        if as_json:
            self.stdout.write(json.dumps(_facts(mailbox, total), ensure_ascii=False))
        else:
            self.stdout.write(_sentence(mailbox, total))
        return not total.error


def _facts(mailbox: BounceMailbox, total: collecting.Collected) -> dict[str, Any]:
    return {
        "mailbox": mailbox.pk,
        "name": mailbox.name,
        "fetched": total.stored,
        "bounces": dict(total.applied.kinds),
        "unproven": total.applied.unproven,
        "not_ours": total.applied.not_ours,
        "unreadable": total.applied.failed,
        "suppressed": total.applied.suppressed,
        "cleared": total.cleared,
        "busy": total.busy,
        "error": total.sentence,
    }


def _sentence(mailbox: BounceMailbox, total: collecting.Collected) -> str:
    name = f"{mailbox.name} ({mailbox.pk})"
    if total.busy:
        return f"{name}: another process is collecting it."
    if total.error:
        return f"{name}: {total.sentence}"
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(total.applied.kinds.items()))
    return (
        f"{name}: {total.stored} mails fetched; {kinds or 'nothing'} about our messages, "
        f"{total.applied.unproven} unproven, {total.applied.not_ours} not ours; "
        f"{total.applied.suppressed} addresses suppressed."
    )
