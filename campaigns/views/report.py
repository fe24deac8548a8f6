"""The page of a started campaign: its live view while it sends, its report afterwards.

The live part (`campaign_live`) is polled every 2 s until the campaign is over. Parts that need more
than the tally (`campaign_report_part`) are loaded separately.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import markets
from accounts.access import WorkspaceRequest
from campaigns import transitions, wording
from campaigns.models import Campaign
from campaigns.queries import audience, audienceparts, leaving, overview, progress, report, series
from campaigns.services import holddecisions
from contacts.models import Contact
from designs.previews import render_preview
from pages import locales, reasons, statuses
from sending.machines import WORDS
from sending.models import Mailing, Message
from sending.services import waits

# With this status htmx shows the response and stops polling.
STOP_POLLING = 286
LEDGER = ("accepted", "failed", "skipped", "unknown", "in_flight", "waiting")
# Among this many recipients, one is searched whose contact still exists.
SAMPLES = 20
# Campaigns start within seconds.
LATE = timedelta(minutes=5)
VERBS = ("pause", "resume", "cancel")


def started(request: WorkspaceRequest, pk: int) -> tuple[Campaign, Mailing | None]:
    """The workspace's campaign and its mailing, ready for `progress.of`; or 404."""
    campaign = get_object_or_404(overview.campaigns(request.workspace), pk=pk)
    return campaign, campaign.mailing


def _mailing(request: WorkspaceRequest, pk: int) -> tuple[Campaign, Mailing]:
    campaign, mailing = started(request, pk)
    if mailing is None:
        raise Http404
    return campaign, mailing


def dropped(
    request: WorkspaceRequest, campaign: Campaign, mailing: Mailing, heading: str
) -> HttpResponse:
    """The page that stands in the place of a table whose rows were dropped."""
    context = {"campaign": campaign, "mailing": mailing, "heading": heading}
    return render(request, "campaigns/dropped.html", context)


def page(request: WorkspaceRequest, campaign: Campaign) -> HttpResponse:
    """The whole page of a campaign that has started."""
    campaign, mailing = _mailing(request, campaign.pk)
    included, without = audienceparts.described(request.workspace, mailing.people)
    context = live_context(request, campaign, mailing) | {
        "included": included,
        "without": without,
        "late": _late(campaign),
        "limits": wording.limits(mailing.window, mailing.per_minute),
        "excluded": _excluded(mailing),
        "excluded_total": sum(mailing.excluded.values()),
        "unrecorded": audience.unrecorded(mailing),
        "sending_chart": series.sending(mailing),
        "returns_chart": series.returns(mailing),
        "machine_facts": [words for actor, words in WORDS.items() if actor.is_machine],
        **_read(mailing),
    }
    return render(request, "campaigns/report.html", context)


def _late(campaign: Campaign) -> bool:
    """Whether it started much later than scheduled."""
    at, mailing = campaign.scheduled_at, campaign.mailing
    return bool(at and mailing and mailing.opened_at - at > LATE)


def _read(mailing: Mailing) -> dict[str, Any]:
    """The subject as recipients read it, with the address of each (`readers`): one of the first
    recipients, and one with other marks of markets. If the subject has merge fields, `read_as` is
    what the first one reads; after all of them were deleted, an invented person (""). Empty if
    everybody reads the content's subject."""
    contents = mailing.contents
    varies = any("{{" in one.subject or "{%" in one.subject for one in contents.values())
    some = Message.objects.filter(mailing=mailing, repeats=False).order_by("address")
    rows = some.values_list("contact_id", "variant", "markets")[:SAMPLES]
    found = {pk: (variant, bits & markets.marks()) for pk, variant, bits in rows if pk is not None}
    if not varies and not any(bits for _variant, bits in found.values()):
        return {}
    readers: dict[int, tuple[str, str]] = {}
    for person in Contact.objects.filter(pk__in=found).order_by("pk"):
        variant, bits = found[person.pk]
        if bits not in readers:
            subject = contents[variant].subject
            preview = render_preview(mailing.workspace, subject=subject, contact=person)
            readers[bits] = person.email, markets.marked(preview.subject, bits)
    if not readers and varies:
        preview = render_preview(mailing.workspace, subject=contents[min(contents)].subject)
        readers[0] = "", preview.subject
    shown = list(readers.values())
    return {"readers": shown, "read_as": shown[0][1] if varies and shown else ""}


def _excluded(mailing: Mailing) -> list[tuple[str, str, int]]:
    """[(code, sentence, number)] of people left out when the audience was frozen, the most frequent
    reason first. sending.models.LeftOut has a row for each person."""
    found = [(code, reasons.text(code), count) for code, count in mailing.excluded.items()]
    return sorted(found, key=lambda one: -one[2])


# What moves --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LedgerFigure:
    """A number of the ledger, with the link to its people. `code` is one of pages.statuses."""

    code: str
    count: int
    url: str


def live_context(request: WorkspaceRequest, campaign: Campaign, mailing: Mailing) -> dict[str, Any]:
    now = progress.of([mailing])[mailing.pk]
    people = reverse("recipients", args=[request.workspace.slug, campaign.pk])
    tally, state = mailing.tally, transitions.state_of(campaign)
    numbers = {
        "done": now.done,
        "targeted": now.targeted,
        "left": now.left,
        "unknown": tally.unknown,
    }
    steps = {step.verb: step for step in transitions.possible(state) if step.verb in VERBS}
    return {
        "campaign": campaign,
        "mailing": mailing,
        "tally": tally,
        "state": state,
        "is_live": progress.moves(mailing),
        "freezing": progress.freezes(mailing),
        "progress": now,
        "average": progress.average_rate(mailing),
        "ledger": [
            LedgerFigure(code, getattr(tally, code), f"{people}?state={code}") for code in LEDGER
        ],
        "people_url": people,
        "steps": steps,
        "cancel_text": transitions.asked(steps["cancel"], numbers) if "cancel" in steps else "",
        **_waits(mailing),
        **_runs(mailing),
        **_mostly_failed(campaign, mailing),
        "said": f"{state}-{now.percent // 10}",
        "saying": _saying(state, now, tally.accepted),
    }


def _waits(mailing: Mailing) -> dict[str, Any]:
    """The parts of the mailing that wait, and the relays that carry on."""
    lines = waits.lines(mailing)
    relays = {line.relay for line in lines if line.relay}
    whole = bool(mailing.wait_reason)
    return {
        "wait": reasons.text(mailing.wait_reason) if whole else "",
        # Without the line that only repeats the wait of the whole mailing.
        "waits": [line for line in lines if line.relay or line.lane],
        "carrying": [] if whole or not relays else progress.carrying(mailing, relays),
    }


def _mostly_failed(campaign: Campaign, mailing: Mailing) -> dict[str, Any]:
    """The question about a retry if more messages failed than went out, at any size."""
    rows = Campaign.objects.filter(overview.MOSTLY_FAILED, pk=campaign.pk)
    if not rows.exists():
        return {}
    groups = report.failures(mailing)
    return {
        "mostly_failed": True,
        "decided": mailing.tally.failed + mailing.tally.accepted,
        "failed_words": groups[0].sample if groups else "",
        "retries": mailing.details_dropped_at is None,
    }


def _runs(mailing: Mailing) -> dict[str, Any]:
    """Runs of refusals that need a decision; `runs_seen` changes whenever their display does."""
    found = holddecisions.runs(mailing)
    seen = "-".join(f"{run.hold.pk}.{run.failed}.{int(run.holds)}" for run in found)
    return {"runs": found, "runs_seen": seen}


def _saying(state: str, now: progress.MailingProgress, accepted: int) -> str:
    """For screen readers: changes only with the state or with every ten percent."""
    text, number = _("{state}: {done} of {targeted} done"), now.done
    if state == "cancelled":
        text, number = _("{state}: {done} of {targeted} sent"), accepted
    return text.format(
        state=statuses.look(state).label,
        done=locales.number(number),
        targeted=locales.number(now.targeted),
    )


def campaign_live(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The live part. The parameters `said`, `runs` and `unknown` tell what the page shows already:
    the announcement, the runs of refusals and the unknown messages are sent only if they changed.
    """
    return live(request, *_mailing(request, pk))


def live(request: WorkspaceRequest, campaign: Campaign, mailing: Mailing) -> HttpResponse:
    context = live_context(request, campaign, mailing)
    context |= {
        "is_part": True,
        "say": request.GET.get("said") != context["said"],
        "renew_runs": request.GET.get("runs") != context["runs_seen"],
        "renew_unknown": request.GET.get("unknown") != str(mailing.tally.unknown),
    }
    return render(request, "campaigns/parts/live.html", context)


# What is loaded by itself ------------------------------------------------------------------------


def _series(mailing: Mailing) -> dict[str, Any]:
    return {"sending_chart": series.sending(mailing), "returns_chart": series.returns(mailing)}


def _failures(mailing: Mailing) -> dict[str, Any]:
    groups = report.failures(mailing)
    shown = sum(group.count for group in groups)
    put_off = report.put_off(mailing) if mailing.state in Mailing.LIVE else []
    return {
        "groups": groups,
        "cut": report.cut(groups, mailing.tally.failed),
        "put_off_cut": report.cut(put_off, mailing.tally.waiting),
        "others": max(0, mailing.tally.failed - shown),
        "failed_at": report.failed_at(mailing) if groups else [],
        "retries": mailing.state != Mailing.State.CANCELLED and mailing.details_dropped_at is None,
        "put_off": put_off,
        "skipped": [(code, reasons.text(code), count) for code, count in report.skipped(mailing)],
    }


def _bounces(mailing: Mailing) -> dict[str, Any]:
    groups, tally = report.bounces(mailing), mailing.tally
    kinds = tally.hard_bounced + tally.soft_bounced + tally.blocked
    return {
        "returns": report.returns(mailing),
        "groups": groups,
        "cut": report.cut(groups, kinds),
    }


def _domains(mailing: Mailing) -> dict[str, Any]:
    return {"domains": report.domains(mailing)}


def _links(mailing: Mailing) -> dict[str, Any]:
    return {"links": report.links(mailing)}


def _leaving(mailing: Mailing) -> dict[str, Any]:
    found = leaving.reasons(mailing)
    return {
        "reasons": found,
        "answered": sum(number for _code, _label, number in found),
        "texts": leaving.texts(mailing),
    }


PARTS: dict[str, Callable[[Mailing], dict[str, Any]]] = {
    "series": _series,
    "failures": _failures,
    "bounces": _bounces,
    "domains": _domains,
    "links": _links,
    "leaving": _leaving,
}


def campaign_report_part(request: WorkspaceRequest, pk: int, part: str) -> HttpResponse:
    """A part of the report. When the campaign is over, the page stops polling it."""
    if part not in PARTS:
        raise Http404
    campaign, mailing = _mailing(request, pk)
    context = PARTS[part](mailing) | {
        "campaign": campaign,
        "mailing": mailing,
        "tally": mailing.tally,
        "people_url": reverse("recipients", args=[request.workspace.slug, pk]),
    }
    ends = request.htmx and mailing.state not in Mailing.LIVE
    status = STOP_POLLING if ends else 200
    return render(request, f"campaigns/parts/report_{part}.html", context, status=status)
