"""All clicks on a campaign's links, including repeated ones: who, when and which link. Those of
people, as the report counts them; those of machines are one click away (`by`)."""

from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from campaigns.queries import recipients as query
from campaigns.views.report import dropped, started
from designs.models import Content
from pages import numbers, tables
from sending.machines import WORDS, Actor
from sending.models import Event

# The value of `by` for clicks of machines.
MACHINES = "machines"


def _named(contents: dict[int, Content], variant: int, number: int | None) -> str:
    links: list[str] = contents[variant].links if variant in contents else []
    return links[number] if number is not None and number < len(links) else ""


def clicks(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The clicks of one link (`link`: its number in the content of a `variant`), or of all."""
    campaign, mailing = started(request, pk)
    if mailing is None:
        return redirect("campaign", request.workspace.slug, pk)
    if mailing.details_dropped_at is not None:
        return dropped(request, campaign, mailing, _("Clicks"))
    contents = mailing.contents
    by = request.GET.get("by", "")
    chosen = numbers.whole(request.GET.get("link", ""))
    variant = numbers.whole(request.GET.get("variant", "")) or 0
    # Index: event_by_kind, in the order of its ids.
    found = Event.objects.filter(mailing=mailing, kind=Event.Kind.CLICKED, link__isnull=False)
    found = found.filter(actor__gt=0) if by == MACHINES else found.filter(actor__lte=0)
    if chosen is not None:
        found = found.filter(link=chosen)
        if len(contents) > 1:
            found = found.filter(message__variant=variant)
    page = tables.keyset(found.select_related("message"), request, sorts={})
    known = query.contacts_of([row.message for row in page])
    context = {
        "campaign": campaign,
        "mailing": mailing,
        "page": page,
        "known": known,
        "rows": [
            (row, _named(contents, row.message.variant, row.link), WORDS[Actor(row.actor)])
            for row in page
        ],
        "by_machines": by == MACHINES,
        "link": _named(contents, variant, chosen),
        "chosen": chosen,
        "variant": variant,
        "several": len(contents) > 1,
    }
    return render(request, "campaigns/clicks.html", context)
