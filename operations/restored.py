"""The page after a restore: shows why nothing is sent, and lets an owner decide
(sending.services.fence)."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from accounts.access import WorkspaceRequest
from campaigns.models import Campaign
from contacts import sources
from pages import locales
from sending.models import Fence, Fenced, RestOfAudience
from sending.services import fence

GO_ON, KEEP = "go_on", "keep"


@dataclass(frozen=True, slots=True)
class RestoredMailing:
    """A mailing of the workspace that needs a decision."""

    one: Fenced
    name: str
    url: str

    @property
    def accepted(self) -> int:
        return self.one.known[0]

    @property
    def in_doubt(self) -> int:
        return self.one.known[1]

    @property
    def left(self) -> int:
        """The number of messages that would be sent if the mailing went on. What the hosts report
        may be waiting here, or claimed."""
        tally = self.one.mailing.tally
        return int(tally.waiting + tally.in_flight) - self.accepted - self.in_doubt

    @property
    def rest_words(self) -> str:
        """What becomes of the people who were not in the ledger yet; "": there are none."""
        match self.one.rest:
            case RestOfAudience.WAITING:
                return _(
                    "At the time of the backup, the rest of the audience was still being prepared. "
                    "It gets the mail, too."
                )
            case RestOfAudience.IN_DOUBT:
                return _(
                    "At the time of the backup, the rest of the audience was still being prepared, "
                    "and the hosts have mailed some of it since. This database does not know whom: "
                    "the result of all of them counts as unknown, and they get no mail. The "
                    "campaign's report lists them afterwards."
                )
            case RestOfAudience.NONE:
                return ""


@require_http_methods(["GET", "HEAD", "POST"])
def restored(request: WorkspaceRequest) -> HttpResponse:
    up = fence.current()
    silent = fence.silent_hosts(up) if up else []
    incomplete = fence.incomplete_reports(up) if up else []
    rows = _rows(request)
    problem = ""
    if request.method == "POST":
        if request.POST.get("although") != "1":
            problem = _problem(silent=bool(silent), incomplete=bool(incomplete))
        if not problem:
            return _decide(request, rows)
    latest = up or Fence.objects.order_by("-pk").first()
    context = {
        "fence": up,
        "reports": latest.reports.order_by("name") if latest else (),
        "silent": silent,
        "incomplete": incomplete,
        "rows": rows,
        "problem": problem,
        "although": request.POST.get("although") == "1",
    }
    return render(request, "operations/restored.html", context, status=400 if problem else 200)


def _problem(*, silent: bool, incomplete: bool) -> str:
    if silent:
        return _(
            "Not every host has reported what it sent. Start it, or confirm that some people may "
            "get the mail twice."
        )
    if incomplete:
        return _(
            "Not all lines of the hosts' logs can be read. Confirm that some people may get the "
            "mail twice."
        )
    return ""


def _rows(request: WorkspaceRequest) -> list[RestoredMailing]:
    found = fence.undecided(mailing__workspace=request.workspace)
    campaigns = Campaign.objects.filter(mailing__in=[one.mailing_id for one in found])
    by_mailing = {one.mailing_id: one for one in campaigns}
    rows = []
    for one in found:
        campaign = by_mailing.get(one.mailing_id)
        name = campaign.name if campaign else sources.words(one.mailing.source)
        url = reverse("campaign", args=[request.workspace.slug, campaign.pk]) if campaign else ""
        rows.append(RestoredMailing(one, name, url))
    return rows


def _decide(request: WorkspaceRequest, rows: list[RestoredMailing]) -> HttpResponse:
    counted = 0
    for row in rows:
        choice = request.POST.get(f"mailing-{row.one.mailing_id}", KEEP)
        if fence.decide(row.one, go_on=choice == GO_ON):
            counted += row.accepted + row.in_doubt
    fence.release()
    said = ngettext(
        "{count} message counts as sent. Sending begins again.",
        "{count} messages count as sent. Sending begins again.",
        counted,
    )
    messages.success(request, said.format(count=locales.number(counted)))
    return redirect("home", request.workspace.slug)
