"""The people behind every figure of a report: a table of a mailing's messages, and its CSV."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from accounts.access import WorkspaceRequest
from campaigns import marketwords
from campaigns.queries import actors, cameback, causes, leaving, pending, personsearch
from campaigns.queries import recipients as query
from campaigns.views import unknown
from campaigns.views.report import dropped, started
from contacts import addresses, exports
from contacts.views.people import csv_response
from pages import reasons, statuses, tables
from relays import providers
from sending.machines import Actor
from sending.models import Mailing, Message

# Choices of the filter of events that have no word in pages.statuses.
EVENT_LABELS = {
    "not_opened": _("Not opened"),
    "bounced": _("Bounced"),
    "machine_opened": _("Opened by machines"),
    "machine_clicked": _("Clicked by machines"),
}


def _rows(mailing: Mailing, messages: Sequence[Message]) -> list[dict[str, Any]]:
    ids = [message.pk for message in messages]
    known = query.contacts_of(messages)
    in_flight = pending.claimed(mailing, ids)
    behind = causes.of_skipped(mailing, messages)
    came_back = cameback.after(ids)
    acts = actors.of(
        [one.pk for one in messages if one.machines or one.opened_at or one.clicked_at]
    )
    return [
        {
            "message": message,
            "markets": marketwords.names(message.markets),
            "address": addresses.display(message.address),
            "contact": message.contact_id if message.contact_id in known else None,
            "state": query.code_of(message.state, in_flight=message.pk in in_flight),
            "reason": reasons.text(message.reason) if message.reason else "",
            "cause": behind.get(message.address),
            "came_back": came_back.get(message.pk, ()),
            # The first of people is in the message's columns.
            "machines": [one for one in acts.get(message.pk, ()) if one.actor.is_machine],
            "doubts": {
                one.kind: one.words
                for one in acts.get(message.pk, ())
                if one.actor == Actor.UNKNOWN and one.at in {message.opened_at, message.clicked_at}
            },
        }
        for message in messages
    ]


def _choices(mailing: Mailing) -> dict[str, Any]:
    """The choices of the filters."""
    return {
        "states": [
            *((code, statuses.look(code).label) for code in query.STATES),
            (query.DONE, _("Done, whatever came of it")),
        ],
        "events": [
            (code, EVENT_LABELS.get(code) or statuses.look(code).label) for code in query.EVENTS
        ],
        "markets": marketwords.frozen_choices(),
    }


def recipients(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    campaign, mailing = started(request, pk)
    if mailing is None:
        return redirect("campaign", request.workspace.slug, pk)
    if mailing.details_dropped_at is not None:
        return dropped(request, campaign, mailing, pgettext("people", "Recipients"))
    found = query.filtered(mailing, request.GET)
    page = tables.keyset(
        found,
        request,
        sorts={"address": tables.Sort("address", nullable=False)},
        default="address",
        total=query.known_total(mailing, request.GET),
    )
    state, text = request.GET.get("state", ""), request.GET.get("q", "").strip()
    context = _choices(mailing) | {
        "campaign": campaign,
        "mailing": mailing,
        "page": page,
        "rows": _rows(mailing, page.rows),
        "filtered": any(request.GET.get(name) for name in query.FILTERS),
        "narrowed": "same" in request.GET or any(map(request.GET.get, query.FROM_REPORT)),
        "answers": personsearch.after(mailing, text, found) if text else [],
        "unnamed": query.unnamed(mailing, request.GET),
        "reason": reasons.text(request.GET.get("reason", "")),
        "why": leaving.label_of(request.GET.get("why", "")),
        "provider": providers.label(request.GET.get("provider", "")),
        "retries": state == "failed" and mailing.state != Mailing.State.CANCELLED,
        "doubts": unknown.doubts(page.rows, mailing) if state == "unknown" else [],
    }
    return render(request, "campaigns/recipients.html", context)


def export_recipients(
    request: WorkspaceRequest, pk: int
) -> HttpResponseBase | StreamingHttpResponse:
    """All rows of the result as CSV, streamed."""
    campaign, mailing = started(request, pk)
    if mailing is None:
        return redirect("campaign", request.workspace.slug, pk)
    if mailing.details_dropped_at is not None:
        return dropped(request, campaign, mailing, pgettext("people", "Recipients"))
    rows = query.rows(mailing, query.filtered(mailing, request.GET))
    content = exports.stream(query.header(), rows)
    return csv_response(f"campaign-{pk}-recipients.csv", content)
