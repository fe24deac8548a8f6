"""`manage.py campaign`: a campaign from the command line, by the same services as its page."""

import json
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.management.base import CommandError
from django.db.models import Q
from django.http import QueryDict
from tqdm import tqdm

from accounts.models import Workspace
from campaigns import transitions
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from campaigns.queries import progress, recipients, report
from campaigns.services import holddecisions, running
from pages import reasons
from pages.commands import TextHelpCommand
from pages.numbers import whole
from relays import providers
from sending.models import Mailing
from sending.services import waits

HELP = """Shows a campaign, and does the actions of its page.

without a number:
  list       lists campaigns that are scheduled, being sent or paused
  pause-all  pauses all campaigns that are being sent, in all workspaces or in --workspace

with the number of a campaign:
  status   shows its state and its ledger; with --watch until it is over
  pause    sends nothing more; mails that a server is taking right now are finished
  resume   continues a paused campaign
  cancel   skips all waiting recipients for good; a scheduled campaign never starts
  retry    tries failed recipients again; --reason, --provider and --domain choose some.
           Lifts suppressions that their refusals made
  take-back  tries recipients again that were refused in a run of refusals, and continues
  keep       leaves them failed, and continues
  wait       leaves the held messages until tomorrow
  drop       skips the other held messages
           these four are for all runs that status lists, or for --run NUMBER
  report   shows the ledger, people left out with reasons, servers' replies, and bounces

exit codes:
  0  shown or done; with --watch: the campaign is finished
  1  not possible in the campaign's state; with --watch: the campaign was cancelled
  2  wrong usage, or no such campaign
"""
IMPOSSIBLE, USAGE = 1, 2
ALL = ("list", "pause-all")
VERBS: dict[str, Callable[[Campaign], None]] = {
    "pause": running.pause,
    "resume": running.resume,
    "cancel": running.cancel,
}
# Verbs about runs of refusals.
DECISIONS = {
    "take-back": holddecisions.RETRY,
    "keep": holddecisions.KEEP,
    "wait": holddecisions.WAIT,
    "drop": holddecisions.DROP,
}
LEDGER = ("accepted", "failed", "skipped", "unknown", "in_flight", "waiting")
RETURNS = (
    "opened",
    "with_pixel",
    "opened_unnamed",
    "machine_opened",
    "pictures_loaded",
    "clicked",
    "machine_clicked",
    "hard_bounced",
    "soft_bounced",
    "blocked",
    "complained",
    "unsubscribed",
)
# Seconds between two looks of --watch.
LOOK_AGAIN = 1.0


class Command(TextHelpCommand):
    help = HELP

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "id", type=_number, metavar="ID", help="the number in its address; list, pause-all"
        )
        verbs = ("status", *VERBS, *DECISIONS, "retry", "report")
        parser.add_argument("verb", nargs="?", default="status", choices=verbs)
        parser.add_argument("--reason", metavar="CODE", help="retry: a code of the report's JSON")
        parser.add_argument("--provider", metavar="KEY", help="retry: such as gmail or qq")
        parser.add_argument("--domain", metavar="NAME", help="retry: such as example.com")
        parser.add_argument("--run", type=int, metavar="NUMBER", help="of a run of refusals")
        parser.add_argument("--workspace", metavar="SLUG", help="only if it belongs to this one")
        parser.add_argument("--json", action="store_true", help="print it as JSON")
        parser.add_argument("--watch", action="store_true", help="status: until it is over")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["id"] in ALL:
            self.of_all(options)
            return
        campaign = find(options["id"], options["workspace"])
        verb = options["verb"]
        if verb in VERBS:
            try:
                VERBS[verb](campaign)
            except CampaignError as error:
                raise CommandError(str(error), returncode=IMPOSSIBLE) from error
            campaign = find(campaign.pk)
        if verb == "retry":
            self.retry(campaign, options)
            campaign = find(campaign.pk)
        if verb in DECISIONS:
            decide(campaign, verb, options["run"])
            campaign = find(campaign.pk)
        if verb == "status" and options["watch"]:
            campaign = watch(campaign)
        shown = reported(campaign) if verb == "report" else status(campaign)
        self.stdout.write(json.dumps(shown, default=str) if options["json"] else text(shown))
        if options["watch"] and transitions.state_of(campaign) == transitions.CANCELLED:
            sys.exit(IMPOSSIBLE)

    def of_all(self, options: dict[str, Any]) -> None:
        rows = under_way(options["workspace"])
        if options["id"] == "pause-all":
            sending = [row for row in rows if transitions.state_of(row) == transitions.SENDING]
            for row in sending:
                # A campaign that ended or was paused meanwhile needs no pause.
                with suppress(CampaignError):
                    running.pause(row)
            rows = [find(row.pk) for row in sending]
        shown = [status(row) for row in rows]
        texts = [line(one) for one in shown] or ["none"]
        self.stdout.write(json.dumps(shown, default=str) if options["json"] else "\n".join(texts))

    def retry(self, campaign: Campaign, options: dict[str, Any]) -> None:
        """Writes what was taken back to stderr, so that stdout has the status alone."""
        if campaign.mailing is None:
            raise CommandError("This campaign has not started yet.", returncode=IMPOSSIBLE)
        query = QueryDict(mutable=True)
        for name in ("reason", "provider", "domain"):
            if options[name]:
                query[name] = options[name]
        if options["provider"] and not providers.lane_number(options["provider"]):
            known = ", ".join(one.key for one in providers.mail_providers())
            raise CommandError(f"There is no such provider; known are: {known}", returncode=USAGE)
        try:
            done = running.retry_failed(campaign, recipients.filtered(campaign.mailing, query))
        except CampaignError as error:
            raise CommandError(str(error), returncode=IMPOSSIBLE) from error
        self.stderr.write(
            f"{done.messages} failed recipients wait again; {done.bounces} hard bounces count no"
            f" more, {done.suppressions} suppressions were lifted."
        )


def _number(value: str) -> int | str:
    if value in ALL:
        return value
    if (number := whole(value)) is not None:
        return number
    raise ArgumentTypeError(f"{value!r} is neither a number nor one of {', '.join(ALL)}")


def under_way(slug: str | None) -> list[Campaign]:
    """Campaigns that are scheduled, being sent or paused. CommandError: no such workspace."""
    if slug is not None and not Workspace.objects.filter(slug=slug).exists():
        raise CommandError(f'There is no workspace "{slug}".', returncode=USAGE)
    live = Q(mailing__state__in=[Mailing.State.SENDING, Mailing.State.PAUSED])
    rows = Campaign.objects.filter(live | Q(state=Campaign.State.SCHEDULED))
    if slug is not None:
        rows = rows.filter(workspace__slug=slug)
    related = (f"mailing__{name}" for name in progress.RELATED)
    rows = rows.select_related("workspace", "mailing", *related)
    rows = rows.prefetch_related(*(f"mailing__{name}" for name in progress.PREFETCH))
    return list(rows.order_by("workspace__slug", "pk"))


def line(shown: dict[str, Any]) -> str:
    """One campaign as a line of `list`."""
    about = f"{shown['campaign']:>6}  {shown['workspace']}  {shown['state']}"
    if "ledger" in shown:
        about += f"  {shown['done']:,} of {shown['targeted']:,}"
    elif shown["scheduled_at"]:
        about += f"  for {shown['scheduled_at']}"
    why = shown["reason"] or shown.get("waits", "")
    return f"{about}  {shown['name']}" + (f": {why}" if why else "")


def find(pk: int, slug: str | None = None) -> Campaign:
    """The campaign with everything that `progress.of` reads. CommandError: no such campaign."""
    related = (f"mailing__{name}" for name in progress.RELATED)
    rows = Campaign.objects.select_related("workspace", "mailing", *related)
    rows = rows.prefetch_related(*(f"mailing__{name}" for name in progress.PREFETCH))
    campaign = rows.filter(pk=pk).first()
    if campaign is None or slug not in {None, campaign.workspace.slug}:
        where = f' in the workspace "{slug}"' if slug else ""
        raise CommandError(f"There is no campaign {pk}{where}.", returncode=USAGE)
    return campaign


def decide(campaign: Campaign, verb: str, number: int | None) -> None:
    """Decides about one run of refusals, or about all. CommandError: no such run."""
    runs = [run.hold.pk for run in holddecisions.runs(campaign.mailing)]
    chosen = [pk for pk in runs if number in {None, pk}]
    if not chosen:
        raise CommandError("There is no such run of refusals.", returncode=IMPOSSIBLE)
    for pk in chosen:
        try:
            holddecisions.decide(campaign, pk, DECISIONS[verb])
        except CampaignError as error:
            raise CommandError(str(error), returncode=IMPOSSIBLE) from error


def status(campaign: Campaign) -> dict[str, Any]:
    """The data that `status` prints, as JSON or as text."""
    about: dict[str, Any] = {
        "campaign": campaign.pk,
        "name": campaign.name,
        "workspace": campaign.workspace.slug,
        "state": transitions.state_of(campaign),
    }
    mailing = campaign.mailing
    if mailing is None:
        return about | {
            "scheduled_at": campaign.scheduled_at and campaign.scheduled_at.isoformat(),
            "reason": campaign.state_reason,
        }
    now = progress.of([mailing])[mailing.pk]
    tally = mailing.tally
    return about | {
        "reason": reasons.line(mailing.state_reason, mailing.state_words),
        "targeted": tally.targeted,
        "done": now.done,
        "ledger": {name: getattr(tally, name) for name in LEDGER},
        "per_second": None if now.rate is None else round(now.rate, 2),
        "done_about": now.finish_at and now.finish_at.isoformat(timespec="seconds"),
        "waits": reasons.text(mailing.wait_reason) if mailing.wait_reason else "",
        "waits_until": mailing.goes_on_at and mailing.goes_on_at.isoformat(timespec="seconds"),
        "parts_that_wait": [
            {
                "relay": line.relay,
                "provider": str(line.provider),
                "reason": line.text,
                "until": line.until and line.until.isoformat(timespec="seconds"),
                "reply": line.words,
            }
            for line in waits.lines(mailing)
        ],
        "runs": [
            {
                "run": run.hold.pk,
                "what": run.title,
                "refused": run.failed,
                "waiting": run.left,
                "reply": run.words,
                "until": run.hold.until and run.hold.until.isoformat(timespec="seconds"),
            }
            for run in holddecisions.runs(mailing)
        ],
    }


def reported(campaign: Campaign) -> dict[str, Any]:
    """The data that `report` prints: the status and the results."""
    shown = status(campaign)
    mailing = campaign.mailing
    if mailing is None:
        return shown
    return shown | {
        "left_out": {reasons.text(code): n for code, n in mailing.excluded.items()},
        "skipped": {reasons.text(code): n for code, n in report.skipped(mailing)},
        "failures": [
            {
                "reason": reasons.text(group.reason),
                "code": group.reason,
                "reply": group.sample,
                "count": group.count,
            }
            for group in report.failures(mailing)
        ],
        "came_back": {name: getattr(mailing.tally, name) for name in RETURNS},
    }


def text(shown: dict[str, Any]) -> str:
    """The data as text."""
    lines = [f"{shown['name']} (campaign {shown['campaign']}): {shown['state']}"]
    if shown["reason"]:
        lines.append(f"  {shown['reason']}")
    if "ledger" not in shown:
        if shown["scheduled_at"]:
            lines.append(f"  scheduled for {shown['scheduled_at']}")
        return "\n".join(lines)
    parts = shown["parts_that_wait"]
    # The wait of the whole mailing may also stand among the parts, without a relay.
    if shown["waits"] and not any(one["reason"] == shown["waits"] for one in parts):
        until = f", goes on {shown['waits_until']}" if shown["waits_until"] else ""
        lines.append(f"  waits: {shown['waits']}{until}")
    lines += [f"  waits: {waiting(one)}" for one in parts]
    lines += [
        f"  run {one['run']}: {one['what']} ({one['reply']}); {one['refused']:,} can be taken back"
        for one in shown["runs"]
    ]
    if shown["per_second"]:
        about = f", done about {shown['done_about']}" if shown["done_about"] else ""
        lines.append(f"  {shown['per_second']:,} a second{about}")
    lines += counted("", shown["ledger"])
    lines.append(f"{shown['targeted']:>12,}  targeted")
    lines += counted("left out when it started", shown.get("left_out", {}))
    lines += counted("skipped", shown.get("skipped", {}))
    replies = {
        f"{one['reason']}: {one['reply']}": one["count"] for one in shown.get("failures", [])
    }
    lines += counted("failed, by what servers said", replies)
    lines += counted("came back", shown.get("came_back", {}))
    return "\n".join(lines)


def waiting(part: dict[str, Any]) -> str:
    """One part that waits: its relay, its mail provider or both, and the reason."""
    where = ", ".join(name for name in (part["relay"], part["provider"]) if name)
    until = f", goes on {part['until']}" if part["until"] else ""
    said = f" ({part['reply']})" if part["reply"] else ""
    return f"{where}: {part['reason']}{until}{said}" if where else f"{part['reason']}{until}"


def counted(title: str, numbers: dict[str, int]) -> list[str]:
    if not numbers:
        return []
    lines = [f"{number:>12,}  {name.replace('_', ' ')}" for name, number in numbers.items()]
    return ["", f"{title}:", *lines] if title else lines


def watch(campaign: Campaign) -> Campaign:
    """Shows progress (on a terminal) until the campaign is over or no longer being sent."""
    with tqdm(total=0, unit=" messages", disable=None, file=sys.stderr) as bar:
        while on_its_way(campaign):
            if campaign.mailing is not None:
                show(bar, campaign.mailing)
            time.sleep(LOOK_AGAIN)
            campaign = find(campaign.pk)
        if campaign.mailing is not None:
            show(bar, campaign.mailing)
    return campaign


def on_its_way(campaign: Campaign) -> bool:
    return transitions.state_of(campaign) in {
        transitions.SCHEDULED,
        transitions.SENDING,
        transitions.PAUSED,
    }


def show(bar: "tqdm[Any]", mailing: Mailing) -> None:
    bar.total = mailing.tally.targeted
    bar.n = progress.done(mailing.tally)
    bar.set_description(mailing.state, refresh=False)
    bar.set_postfix_str(reasons.text(mailing.wait_reason) if mailing.wait_reason else "")
    bar.refresh()
