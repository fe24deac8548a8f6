"""Actions on a campaign under way: pause, resume, cancel, decide about refusals."""

from collections.abc import Callable
from functools import partial

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from campaigns.services import holddecisions, running
from campaigns.views import report


def _answer(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The live part for htmx, or a redirect to the page for a form."""
    campaign, mailing = report.started(request, pk)
    if request.htmx and mailing is not None:
        return report.live(request, campaign, mailing)
    return redirect("campaign", request.workspace.slug, pk)


def _do(
    request: WorkspaceRequest, pk: int, verb: Callable[[Campaign], None], said: str
) -> HttpResponseBase:
    campaign = get_in(request.workspace, Campaign, pk=pk)
    try:
        verb(campaign)
    except CampaignError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, said)
    return _answer(request, pk)


@require_POST
def pause_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    said = _("Paused. What a server is taking right now is finished; nothing new is sent.")
    return _do(request, pk, running.pause, said)


@require_POST
def resume_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    return _do(request, pk, running.resume, _("It goes on."))


@require_POST
def cancel_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    verb = partial(running.cancel, by=request.user)
    return _do(request, pk, verb, _("Cancelled. Nobody else gets it."))


@require_POST
def decide_run(request: WorkspaceRequest, pk: int, number: int) -> HttpResponseBase:
    """Decides about a run of refusals (`do`: one of deciding.VERBS)."""
    campaign = get_in(request.workspace, Campaign, pk=pk)
    user = request.user if request.user.is_authenticated else None
    try:
        said = holddecisions.decide(campaign, number, request.POST.get("do", ""), by=user)
    except CampaignError as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, said)
    return redirect("campaign", request.workspace.slug, pk)
