"""Tries failed recipients again: all, or those that match the filters."""

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from campaigns.queries import recipients
from campaigns.services import running
from campaigns.views import report
from contacts.services import jobs
from pages import locales, wellformed
from sending.jobs import same_person
from sending.models import Mailing, Message
from sending.services.retrying import Retried
from smtp.replies import Meaning


@require_POST
def retry_failed(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Tries failed recipients again. `query`: filters of the table of recipients. If a server said
    that some of the addresses don't exist, the person must confirm first (`confirmed`)."""
    campaign, mailing = report.started(request, pk)
    if mailing is None:
        raise Http404
    query = wellformed.parameters(request.POST.get("query", ""))
    rows = recipients.filtered(mailing, query).filter(trouble=Message.State.FAILED)
    dead = rows.filter(reason=Meaning.ADDRESS)
    if not request.POST.get("confirmed") and (number := dead.count()):
        return _ask(request, campaign, mailing, query, (rows.count(), number))
    try:
        if jobs.is_large(rows):
            running.retry_many(campaign, query.urlencode(), by=request.user)
            messages.info(request, _("They are tried again, one batch after the other."))
            return redirect("campaign", request.workspace.slug, pk)
        done = running.retry_failed(campaign, rows, by=request.user)
    except CampaignError as error:
        messages.error(request, str(error))
    else:
        _tell(request, done)
    return redirect("campaign", request.workspace.slug, pk)


def _ask(
    request: WorkspaceRequest,
    campaign: Campaign,
    mailing: Mailing,
    query: QueryDict,
    counts: tuple[int, int],
) -> HttpResponse:
    number, dead = counts
    people = reverse("recipients", args=[request.workspace.slug, campaign.pk])
    of_dead = query.copy()
    of_dead["reason"] = Meaning.ADDRESS
    context = {
        "campaign": campaign,
        "mailing": mailing,
        "query": query.urlencode(),
        "dead_url": f"{people}?{of_dead.urlencode()}",
        "number": number,
        "dead": dead,
        "others": number - dead,
        "people_url": f"{people}?{query.urlencode()}",
    }
    return render(request, "campaigns/retry.html", context)


def _tell(request: WorkspaceRequest, done: Retried) -> None:
    if not done:
        messages.info(request, _("Nothing was changed: none of them is failed by now."))
        return
    said = ngettext(
        "{count} recipient is tried again.", "{count} recipients are tried again.", done.messages
    ).format(count=locales.number(done.messages))
    if done.suppressions:
        lifted = ngettext(
            "{count} suppression was lifted.",
            "{count} suppressions were lifted.",
            done.suppressions,
        )
        said = locales.sentences(said, lifted.format(count=locales.number(done.suppressions)))
    messages.success(request, locales.sentences(said, same_person(done.skipped)))
