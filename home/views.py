"""The home page of a workspace: next steps, problems, running campaigns and results."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from accounts.access import WorkspaceRequest
from campaigns import transitions
from campaigns.models import Campaign
from campaigns.queries import progress
from campaigns.queries.overview import Sums
from contacts.models import List
from contacts.queries import growthchart
from home import queries as query
from home import todo as registry
from pages import locales, reasons


@dataclass(frozen=True, slots=True)
class Running:
    """A campaign under way."""

    campaign: Campaign
    state: str
    progress: progress.MailingProgress
    wait: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A key figure of the campaigns of the last 30 days. `more` compares it with the 30 days
    before."""

    # A name of campaigns.queries.overview.Sums.
    name: str
    label: str
    count: int
    share: str
    more: str
    # A Tabler icon for the direction; "" if there is no figure to compare with.
    trend: str = ""


def home(request: WorkspaceRequest) -> HttpResponse:
    steps = registry.first_steps(request)
    left = [step for step in steps if not step.done]
    now, before = query.last_days(request.workspace)
    lately = query.lately(request.workspace)
    running = _running(request)
    context = {
        "steps": steps,
        "steps_done": len(steps) - len(left),
        "steps_left": left,
        # Nothing was ever sent: the page shows only the first steps.
        "is_new": not (lately or running),
        "needs": registry.needed(request),
        "running": running,
        "scheduled": query.scheduled(request.workspace),
        "figures": figures(now, before) if now.sent or before.sent or now.opened else [],
        "lately": lately,
        "has_lists": List.objects.filter(workspace=request.workspace, archived_at=None).exists(),
    }
    return render(request, "home/home.html", context)


def _running(request: WorkspaceRequest) -> list[Running]:
    found = query.going_out(request.workspace)
    known = progress.of([c.mailing for c in found if c.mailing])
    return [
        Running(
            campaign,
            transitions.state_of(campaign),
            known[campaign.mailing.pk],
            reasons.text(campaign.mailing.wait_reason) if campaign.mailing.wait_reason else "",
        )
        for campaign in found
        if campaign.mailing
    ]


def home_running(request: WorkspaceRequest) -> HttpResponse:
    """The running campaigns. The browser polls this part while one is running."""
    return render(request, "home/parts/running.html", {"running": _running(request)})


def home_growth(request: WorkspaceRequest) -> HttpResponse:
    chart: dict[str, Any] = growthchart.chart(request.workspace)
    return render(request, "home/parts/growth.html", {"chart": chart})


def figures(now: Sums, before: Sums) -> list[Figure]:
    """Sent, opened, clicked, bounced. Clicks are shares of accepted mails, opens of those that
    count opens; bounces are shares of sent ones, as in the report, because a bounce may be a
    refusal."""
    change = _change(now.sent, before.sent)
    return [
        Figure("sent", pgettext("number of mails", "Sent"), now.sent, "", *change),
        _share(_("Opened"), "opened", now, before, base="with_pixel"),
        _share(_("Clicked"), "clicked", now, before),
        _share(_("Bounced"), "bounced", now, before, base="sent"),
    ]


# The words for a share of each base, a name of Sums.
BASES = {
    "accepted": gettext_lazy("{percent} of accepted"),
    "with_pixel": gettext_lazy("{percent} of mails that count opens"),
    "sent": gettext_lazy("{percent} of sent"),
}


def _change(now: int, before: int) -> tuple[str, str]:
    """(words, icon)"""
    if not before:
        return _("nothing in the 30 days before"), ""
    if now == before:
        return _("as many as in the 30 days before"), ""
    words = _("{percent} more than before") if now > before else _("{percent} fewer than before")
    trend = "trending-up" if now > before else "trending-down"
    return words.format(percent=locales.percent(abs(now - before), before)), trend


def _share(label: str, name: str, now: Sums, before: Sums, *, base: str = "accepted") -> Figure:
    count, then = getattr(now, name), getattr(before, name)
    whole, whole_then = getattr(now, base), getattr(before, base)
    share = locales.percent(count, whole)
    if whole:
        share = BASES[base].format(percent=share)
    if not whole_then:
        return Figure(name, label, count, share, _("nothing in the 30 days before"))
    here, there = count * whole_then, then * whole
    trend = "" if here == there else "trending-up" if here > there else "trending-down"
    more = _("{percent} in the 30 days before").format(percent=locales.percent(then, whole_then))
    return Figure(name, label, count, share, more, trend)
