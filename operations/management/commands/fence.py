"""`manage.py fence`: shows what was sent since the backup of a restored database, and releases
sending."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from contacts.provenance import Source
from pages.commands import TextHelpCommand
from sending.models import Fence, Fenced
from sending.services import fence

HELP = """After a restore, or in a copy of the database, nothing is sent until a person decides.

  status   shows why nothing is sent, what each host reported, and for each mailing that was
           under way how many of its messages the hosts know as sent
  release  counts what the hosts know as sent, and lets sending begin again. What was being
           sent goes on, except for the mailings of --keep-paused; what was paused stays so

exit codes: 0 nothing is stopped (any more), 1 sending is stopped, 2 called in a wrong way
"""


class Command(TextHelpCommand):
    help = HELP

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("verb", nargs="?", default="status", choices=("status", "release"))
        parser.add_argument(
            "--keep-paused",
            nargs="+",
            default=[],
            metavar="MAILING",
            help="numbers that status shows, or all",
        )
        parser.add_argument(
            "--although-missing",
            action="store_true",
            help="release although hosts have not reported, or lines of their logs can't be read: "
            "what only these know as sent may be sent again",
        )
        parser.add_argument("--json", action="store_true", help="print the status as JSON")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["verb"] == "release":
            self.release(options)
        shown = status()
        self.stdout.write(json.dumps(shown, indent=1) if options["json"] else text(shown))
        if shown["stopped"]:
            raise SystemExit(1)

    def release(self, options: dict[str, Any]) -> None:
        kept = {str(one) for one in options["keep_paused"]}
        undecided = fence.undecided()
        unknown = kept - {"all"} - {str(one.mailing_id) for one in undecided}
        if unknown:
            names = ", ".join(sorted(unknown))
            raise CommandError(f"Nothing is to be decided about {names}.", returncode=2)
        up = fence.current()
        problems = _missing(up) if up else []
        if problems and not options["although_missing"]:
            raise CommandError("\n".join(problems), returncode=1)
        for one in undecided:
            stays = "all" in kept or str(one.mailing_id) in kept
            fence.decide(one, go_on=one.was_sending and not stays)
        fence.release()


def _missing(up: Fence) -> list[str]:
    """Sentences about what hosts sent and the reports don't tell."""
    problems = []
    if silent := fence.silent_hosts(up):
        names = ", ".join(host.name for host in silent)
        problems.append(
            f"{names} sent before and has not reported what. Start its send worker with its "
            "state directory (YANSHU_VAR), or add --although-missing: what only it knows may "
            "be sent again."
        )
    problems += [
        f"{one.name}: {_unreadable(one.unreadable)}. Keep mailings paused (--keep-paused) and add "
        "--although-missing, which releases the others: what only these lines know may be sent "
        "again."
        for one in fence.incomplete_reports(up)
    ]
    return problems


def _unreadable(lines: int) -> str:
    what = "1 line" if lines == 1 else f"{lines:,} lines"
    return f"{what} of this host's log can't be read: what they say was sent is unknown"


def status() -> dict[str, Any]:
    up = fence.current()
    latest = up or Fence.objects.order_by("-pk").first()
    return {
        "stopped": up is not None,
        "why": up.why if up else "",
        "noticed_at": up.noticed_at.isoformat(timespec="seconds") if up else None,
        "hosts": [
            {
                "host": one.name,
                "unreadable_lines": one.unreadable,
                "unknown_mailings": one.unknown,
            }
            for one in (latest.reports.order_by("name") if latest else ())
        ],
        "hosts_that_have_not_reported": [
            # A replaced host may have the name of its successor; this tells them apart.
            {"host": one.name, "last_sent_at": one.moved_at.isoformat(timespec="seconds")}
            for one in (fence.silent_hosts(up) if up else ())
        ],
        "mailings": [_mailing(one) for one in fence.undecided()],
    }


def _mailing(one: Fenced) -> dict[str, Any]:
    accepted, in_doubt = one.known
    return {
        "mailing": one.mailing_id,
        "workspace": one.mailing.workspace.slug,
        "of": str(one.mailing.source),
        "was": "sending" if one.was_sending else "paused",
        "targeted": one.mailing.tally.targeted,
        "accepted": one.mailing.tally.accepted,
        "hosts_know_accepted": accepted,
        "hosts_know_without_an_answer": in_doubt,
        # Of the audience that was not frozen at the time of the backup: "none"; or it gets the mail
        # ("waiting"), or counts as unknown because hosts mailed some of it ("in_doubt").
        "rest": one.rest.value,
    }


def _of(unknown: dict[str, Any]) -> str:
    return str(Source.from_json(unknown["source"])) or "a mailing"


WORDS = {
    Fence.Why.MOVED: "the database was restored from a dump, or copied",
    Fence.Why.OLDER: "the database is older than what a host sent",
    Fence.Why.COPIED: "the state directory with the database was restored or copied",
}
# After the numbers of a mailing, by what becomes of the people who were not frozen yet.
REST = {
    "none": "",
    "waiting": ". The rest of its audience was still being prepared and gets the mail, too",
    "in_doubt": ". The rest of its audience was still being prepared, and hosts mailed some of it: "
    "all of the rest counts as unknown and gets no mail",
}


def text(shown: dict[str, Any]) -> str:
    if not shown["stopped"] and not shown["mailings"]:
        return "Nothing is stopped."
    lines = [f"Nothing is sent: {WORDS[Fence.Why(shown['why'])]}."] if shown["stopped"] else []
    for host in shown["hosts"]:
        bad = host["unreadable_lines"]
        lines.append(f"  {host['host']} reported" + (f"; {_unreadable(bad)}" if bad else ""))
    lines += [
        f"  {one['host']} HAS NOT REPORTED (it last sent {one['last_sent_at']}, as far as this "
        "database knows)"
        for one in shown["hosts_that_have_not_reported"]
    ]
    lines += [
        f"  {host['host']} sent of {_of(one)}, which is not in this database: "
        f"{one['accepted']:,} accepted, {one['in_doubt']:,} without an answer, until {one['last']}"
        for host in shown["hosts"]
        for one in host["unknown_mailings"]
    ]
    lines += [
        f"mailing {one['mailing']} ({one['workspace']}, {one['of']}, was {one['was']}): the "
        f"database has {one['accepted']:,} of {one['targeted']:,} as accepted; the hosts know of "
        f"{one['hosts_know_accepted']:,} more, and of {one['hosts_know_without_an_answer']:,} "
        f"without an answer{REST[one['rest']]}"
        for one in shown["mailings"]
    ]
    lines.append("manage.py fence release counts these as sent and goes on.")
    if shown["hosts_that_have_not_reported"] or any(
        one["unreadable_lines"] for one in shown["hosts"]
    ):
        lines.append("It asks for --although-missing: people may be missing in these numbers.")
    return "\n".join(lines)
