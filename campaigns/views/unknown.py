"""Messages whose result is not known: the list of them, and a person's decision about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from campaigns import unknownwords
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from campaigns.queries import recipients
from campaigns.services import running
from campaigns.views import report
from contacts import addresses
from contacts.services import jobs
from pages import reasons, tables
from relays.models import Relay
from sending.models import Mailing, Message
from sending.services import unknowns

# The report shows this many rows; the table of recipients has all.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message whose result is not known. `contact`: its id; None: the contact is gone."""

    message: Message
    address: str
    contact: int | None
    relay: str
    why: str


def doubts(rows: Sequence[Message], mailing: Mailing) -> list[Doubt]:
    """Two queries, however many rows."""
    known = recipients.contacts_of(rows)
    relays = Relay.objects.filter(workspace=mailing.workspace_id)
    names = dict(relays.filter(pk__in={row.relay_id for row in rows}).values_list("pk", "name"))
    return [
        Doubt(
            row,
            addresses.display(row.address),
            row.contact_id if row.contact_id in known else None,
            names.get(row.relay_id or 0, ""),
            reasons.text(row.reason),
        )
        for row in rows
    ]


def page_of(
    mailing: Mailing, request: HttpRequest, *, size: int = tables.SIZE
) -> tables.Page[Message]:
    """A page of unknown messages in the order of addresses. Index: message_not_accepted."""
    return tables.keyset(
        recipients.filtered(mailing, request.GET).filter(trouble=Message.State.UNKNOWN),
        request,
        sorts={"address": tables.Sort("address", nullable=False)},
        default="address",
        size=size,
    )


def campaign_unknown(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The first unknown messages, for the report."""
    campaign, mailing = report.started(request, pk)
    if mailing is None:
        raise Http404
    page = page_of(mailing, request, size=SHOWN)
    context = {
        "campaign": campaign,
        "mailing": mailing,
        "page": page,
        "doubts": doubts(page.rows, mailing),
    }
    return render(request, "campaigns/parts/unknown.html", context)


# The verbs ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Verb:
    """A decision: few messages are settled in the request, many by a job."""

    few: Callable[[Campaign, QuerySet[Message]], int]
    job: str
    said: Callable[[int], str]
    begun: Callable[[], str]


def _chosen(request: WorkspaceRequest, mailing: Mailing) -> QuerySet[Message]:
    """The messages that the form selects (see tables.selected), or all with scope=all. A form
    without a selection means no message."""
    if request.POST.get("scope") == "all":
        rows = recipients.filtered(mailing, QueryDict())
    else:
        rows = tables.selected(request, lambda given: recipients.filtered(mailing, given))
    return rows.filter(trouble=Message.State.UNKNOWN)


def _settle(request: WorkspaceRequest, pk: int, verb: Verb) -> HttpResponseBase:
    campaign = get_in(request.workspace, Campaign, pk=pk)
    if campaign.mailing is None:
        raise Http404
    rows = _chosen(request, campaign.mailing)
    try:
        if _by_filters(request) and jobs.is_large(rows):
            query = "" if request.POST.get("scope") == "all" else request.POST.get("query", "")
            running.settle_many(campaign, verb.job, query, by=request.user)
            messages.info(request, verb.begun())
        elif count := verb.few(campaign, rows):
            messages.success(request, verb.said(count))
        else:
            messages.info(request, _("Nothing was changed: their result is known by now."))
    except CampaignError as error:
        messages.error(request, str(error))
    if request.POST.get("back") == "recipients":
        url = reverse("recipients", args=[request.workspace.slug, pk])
        return redirect(f"{url}?state=unknown")
    return redirect("campaign", request.workspace.slug, pk)


def _by_filters(request: WorkspaceRequest) -> bool:
    """Whether the form means all messages or all that match the filters, not ticked rows."""
    return request.POST.get("scope") == "all" or request.POST.get("all") == "1"


RESEND = Verb(
    running.resend_unknown,
    unknowns.RESEND_JOB,
    unknownwords.resent,
    lambda: _("They are sent again, one batch after the other."),
)
COUNT = Verb(
    running.count_unknown_as_sent,
    unknowns.COUNT_JOB,
    unknownwords.counted,
    lambda: _("They are counted as sent, one batch after the other."),
)


@require_POST
def resend_unknown(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    return _settle(request, pk, RESEND)


@require_POST
def count_unknown_as_sent(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    return _settle(request, pk, COUNT)
