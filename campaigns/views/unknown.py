"""Messages whose result is not known: who they are, and what a person decides about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from campaigns.models import Campaign
from campaigns.queries import recipients
from campaigns.services import errors, running
from campaigns.views import report
from contacts import addresses
from pages import locales, tables
from sending import reasons
from sending.models import Mailing, Message, Relay

# Rows that the report shows; the table of recipients has the others.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Doubt:
    """A message whose result is not known. `contact`: its id while there is one."""

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
    """By message_not_accepted, in the order of addresses."""
    return tables.keyset(
        recipients.filtered(mailing, request.GET).filter(trouble=Message.State.UNKNOWN),
        request,
        sorts={"address": tables.Sort("address", nullable=False)},
        default="address",
        size=size,
    )


def campaign_unknown(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The first of them, for the report."""
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
    return render(request, "campaigns/unknown.html", context)


# The verbs ---------------------------------------------------------------------------------------


def _chosen(request: WorkspaceRequest, mailing: Mailing) -> Sequence[int] | None:
    """The messages that the form names (see tables.selected); None where it says all. A form that
    names none is about none."""
    if request.POST.get("scope") == "all":
        return None
    rows = tables.selected(request, lambda parameters: recipients.filtered(mailing, parameters))
    return list(rows.filter(trouble=Message.State.UNKNOWN).values_list("pk", flat=True))


def _settle(
    request: WorkspaceRequest,
    pk: int,
    verb: Callable[[Campaign, Sequence[int] | None], int],
    said: Callable[[int], str],
) -> HttpResponseBase:
    campaign = get_in(request.workspace, Campaign, pk=pk)
    if campaign.mailing is None:
        raise Http404
    try:
        count = verb(campaign, _chosen(request, campaign.mailing))
    except errors.CampaignError as error:
        messages.error(request, str(error))
    else:
        if count:
            messages.success(request, said(count).format(count=locales.number(count)))
        else:
            messages.info(request, _("Nothing was changed: their result is known by now."))
    if request.POST.get("back") == "recipients":
        url = reverse("recipients", args=[request.workspace.slug, pk])
        return redirect(f"{url}?state=unknown")
    return redirect("campaign", request.workspace.slug, pk)


@require_POST
def resend_unknown(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    def said(count: int) -> str:
        return ngettext("{count} message is sent again.", "{count} messages are sent again.", count)

    return _settle(request, pk, running.resend_unknown, said)


@require_POST
def count_unknown_as_sent(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    def said(count: int) -> str:
        return ngettext("{count} message counts as sent.", "{count} messages count as sent.", count)

    return _settle(request, pk, running.count_unknown_as_sent, said)
