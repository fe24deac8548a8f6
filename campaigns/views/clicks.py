"""Every click of a campaign's links, also the repeated ones: who, when and which link."""

from django.http import HttpResponseBase
from django.shortcuts import redirect, render

from accounts.access import WorkspaceRequest
from campaigns.queries import recipients as query
from campaigns.views.report import started
from pages import numbers, tables
from sending.models import Event


def _named(links: list[str], number: int | None) -> str:
    return links[number] if number is not None and number < len(links) else ""


def clicks(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """By link (its number in the content); without one, the clicks of all links."""
    campaign, mailing = started(request, pk)
    if mailing is None:
        return redirect("campaign", request.workspace.slug, pk)
    links = mailing.content.links
    chosen = numbers.whole(request.GET.get("link", ""))
    # By event_by_kind, in the order of its ids.
    found = Event.objects.filter(mailing=mailing, kind=Event.Kind.CLICKED, link__isnull=False)
    if chosen is not None:
        found = found.filter(link=chosen)
    page = tables.keyset(found.select_related("message"), request, sorts={})
    known = query.contacts_of([row.message for row in page])
    context = {
        "campaign": campaign,
        "mailing": mailing,
        "page": page,
        "known": known,
        "rows": [(row, _named(links, row.link)) for row in page],
        "link": _named(links, chosen),
        "chosen": chosen,
    }
    return render(request, "campaigns/clicks.html", context)
