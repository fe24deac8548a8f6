"""`manage.py drop_details`: drops old recipients and events; counts and reports stay."""

from argparse import ArgumentParser
from datetime import UTC, date, datetime
from typing import Any

from django.core.management.base import CommandError

from pages.commands import TextHelpCommand
from sending.queries.dropping import Keeping
from sending.services import retention
from sending.services.retention import Block, BlockKeptError, DropRunningError

HELP = """Drops the detail of mailings that ended before a day (UTC): who the recipients were, what
servers said to each, who opened, clicked and bounced, and who was left out.

Mailings, their counts and their reports stay. Links in mails that people have still work,
unsubscribe above all; nothing is counted for them any more. What is dropped does not come back:
make a backup.

Detail is kept in blocks, one for each month in which mailings were opened, and a block is dropped
as a whole, when all of its mailings ended before that day. Others are shown, with what keeps them.

exit codes: 0 done, 1 a block could not be dropped, 2 called in a wrong way
"""
# Why a mailing keeps its block (queries.dropping.KEEPING).
WHY = {
    "deleted": "belongs to a deleted workspace, which is being erased",
    "stream": "is a stream that is open; close it, and open another one in its place",
    "sending": "is being sent",
    "paused": "is paused; resume or cancel it",
    "waiting": "has messages that wait to be skipped, since it was cancelled",
    "unjudged": "has refused addresses that are still being judged",
    "unknown": "has messages with an unknown result ({unknown:,}); decide on its report",
    "recent": "ended later",
}
# How many mailings are named for each block.
NAMED = 10


class Command(TextHelpCommand):
    help = HELP

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--before",
            required=True,
            metavar="YYYY-MM-DD",
            help="drop what ended before this day began",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be dropped, and drop nothing"
        )
        parser.add_argument(
            "--no-input", action="store_false", dest="ask", help="do not ask before dropping"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        before = _moment(options["before"])
        found = retention.look(before)
        for block in found:
            self.stdout.write("\n".join(_lines(block)))
        self.stdout.write(_in_use(retention.in_use(before)))
        chosen = [block for block in found if not block.keeping]
        if not chosen:
            self.stdout.write("Nothing is to be dropped.")
            return
        self.stdout.write(_total(chosen))
        if options["dry_run"]:
            self.stdout.write("Nothing was dropped: --dry-run.")
            return
        if options["ask"] and input("Type “drop” to drop it: ").strip() != "drop":
            self.stdout.write("Nothing was dropped.")
            return
        kept = [block for block in chosen if not self._drop(block, before)]
        if kept:
            raise CommandError("Not everything was dropped. Run this again.", returncode=1)

    def _drop(self, block: Block, before: datetime) -> bool:
        try:
            retention.drop(block, before)
        except DropRunningError as error:
            raise CommandError(
                "Another process drops details now. Run this again when it has ended.", returncode=1
            ) from error
        except BlockKeptError:
            self.stdout.write(f"block {block.number} is kept: a mailing of it began again")
            return False
        self.stdout.write(f"block {block.number} is dropped")
        return True


def _moment(text: str) -> datetime:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no day (YYYY-MM-DD).", returncode=2) from error
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    if moment > datetime.now(UTC):
        raise CommandError(f"{text} is yet to come.", returncode=2)
    return moment


def _lines(block: Block) -> list[str]:
    lines = [_title(block)]
    if block.keeping:
        lines.append("  is kept:")
    lines += [f"  {_why(one)}" for one in block.keeping[:NAMED]]
    if (more := len(block.keeping) - NAMED) > 0:
        lines.append(f"  and {more:,} more")
    return lines


def _why(one: Keeping) -> str:
    why = WHY[one.code].format(unknown=one.unknown)
    return f"mailing {one.mailing} ({one.workspace}, {one.source}) {why}"


def _in_use(block: Block) -> str:
    return f"{_title(block)}\n  is kept: mailings are still opened in it"


def _title(block: Block) -> str:
    counts = block.counts
    when = "no mailing"
    if counts.first_opened:
        when = f"opened from {counts.first_opened:%Y-%m-%d}"
    return f"block {block.number} ({when}): {_numbers([block])}"


def _total(chosen: list[Block]) -> str:
    return f"to be dropped: {_numbers(chosen)}"


def _numbers(found: list[Block]) -> str:
    mailings = sum(block.counts.mailings for block in found)
    messages = sum(block.counts.messages for block in found)
    size = sum(block.size for block in found)
    return f"mailings: {mailings:,}, messages: {messages:,}, bytes: {size:,}"
