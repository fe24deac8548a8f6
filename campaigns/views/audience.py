"""Pages of the people of a campaign's audience: before the start, recipients and people who would
be left out; afterwards, people who were left out."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from campaigns import marketwords
from campaigns.models import Campaign
from campaigns.queries import audience as query
from campaigns.queries import audiencesheet, personsearch
from campaigns.queries.personsearch import RecipientReply
from campaigns.services import review
from campaigns.views.report import dropped, started
from contacts import exports
from contacts.queries import audience as lists
from contacts.views.people import csv_response
from pages import reasons, tables
from sending.models import LeftOut
from sending.queries import markets


def _context(request: WorkspaceRequest, page: tables.Page[LeftOut]) -> dict[str, Any]:
    reason = request.GET.get("reason", "")
    return {
        "page": page,
        "rows": personsearch.of_left_out(request.workspace, page.rows),
        "reason": reason,
        "reason_text": reasons.text(reason) if reason not in {"", lists.LEFT_OUT} else "",
        "filtered": any(request.GET.get(name) for name in query.FILTERS),
    }


def campaign_audience(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The audience of a campaign that has not started, computed as it is now."""
    campaign, mailing = started(request, pk)
    if mailing is not None:
        return redirect(_left_out_url(request, pk))
    if (why := _unusable(campaign)) is not None:
        messages.error(request, why)
        return redirect("campaign", request.workspace.slug, pk)
    counted = lists.count(query.audience_of(campaign))
    page = query.live(request, campaign, counted)
    text = request.GET.get("q", "").strip()
    context = _context(request, page) | {
        "campaign": campaign,
        "market": request.GET.get("market", ""),
        "markets": marketwords.choices(),
        "rows": _with_markets(campaign, page.rows),
        "answers": personsearch.before(campaign, text, page.rows) if text else [],
        "reasons": [(code, reasons.text(code)) for code in counted["excluded"]],
        "everybody": lists.LEFT_OUT,
    }
    return render(request, "campaigns/audience.html", context)


def _with_markets(campaign: Campaign, rows: Sequence[LeftOut]) -> list[RecipientReply]:
    known = {row.contact_id: row.address for row in rows if row.contact_id is not None}
    found = markets.of_contacts(campaign.workspace, known)
    return [
        replace(one, markets=marketwords.names(found.get(row.contact_id or 0, 0)))
        for row, one in zip(rows, personsearch.of_left_out(campaign.workspace, rows), strict=True)
    ]


def export_audience(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """All rows of campaign_audience as CSV."""
    campaign, mailing = started(request, pk)
    if mailing is not None:
        return redirect(_left_out_url(request, pk))
    if (why := _unusable(campaign)) is not None:
        messages.error(request, why)
        return redirect("campaign", request.workspace.slug, pk)
    rows = audiencesheet.live(campaign, request.GET)
    content = exports.stream(audiencesheet.header(markets=True), rows)
    return csv_response(f"campaign-{pk}-audience.csv", content)


def _unusable(campaign: Campaign) -> str | None:
    """Why the people can't be counted, if a segment can't be used."""
    found = review.problems(campaign)
    return next((one.text for one in found if one.code == review.UNUSABLE_SEGMENT), None)


def _left_out_url(request: WorkspaceRequest, pk: int) -> str:
    """The page that shows the same people after the start."""
    given = request.GET.copy()
    if not given.get("reason"):
        return reverse("recipients", args=[request.workspace.slug, pk])
    if given["reason"] == lists.LEFT_OUT:
        del given["reason"]
    url = reverse("left_out", args=[request.workspace.slug, pk])
    return f"{url}?{given.urlencode()}" if given else url


def left_out(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """People left out when the audience was frozen."""
    campaign, mailing = started(request, pk)
    if mailing is None:
        return redirect("campaign_audience", request.workspace.slug, pk)
    if mailing.details_dropped_at is not None:
        return dropped(request, campaign, mailing, _("Left out"))
    page = query.frozen(request, mailing)
    text = request.GET.get("q", "").strip()
    context = _context(request, page) | {
        "campaign": campaign,
        "mailing": mailing,
        "unrecorded": query.unrecorded(mailing),
        "answers": personsearch.beside(mailing, text, page.rows) if text else [],
        "reasons": [(code, reasons.text(code)) for code in mailing.excluded],
    }
    return render(request, "campaigns/audience.html", context)


def export_left_out(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """All rows of left_out as CSV."""
    campaign, mailing = started(request, pk)
    if mailing is None:
        return redirect("campaign_audience", request.workspace.slug, pk)
    if mailing.details_dropped_at is not None:
        return dropped(request, campaign, mailing, _("Left out"))
    rows = audiencesheet.frozen(mailing, request.GET)
    content = exports.stream(audiencesheet.header(), rows)
    return csv_response(f"campaign-{pk}-left-out.csv", content)
