"""What is done to a campaign under way: pause, resume, cancel, and settling unknown messages."""

from collections.abc import Callable, Sequence

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from campaigns.models import Campaign
from campaigns.services import errors, running
from campaigns.views import report
from pages import locales
from sending.models import Mailing
from sending.services import mailings


def _answer(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """To htmx the part that moves, to a form the page."""
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
    except errors.CampaignError as error:
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
    return _do(request, pk, running.cancel, _("Cancelled. Nobody else gets it."))


# Messages whose result is not known --------------------------------------------------------------


def _chosen(request: WorkspaceRequest) -> Sequence[int] | None:
    """The one message that the form names, or None for all."""
    text = request.POST.get("message", "")
    if not text:
        return None
    if not text.isdecimal():
        raise BadRequest
    return [int(text)]


def _settle(
    request: WorkspaceRequest,
    pk: int,
    verb: Callable[[Mailing, Sequence[int] | None], int],
    said: Callable[[int], str],
) -> HttpResponseBase:
    mailing = get_in(request.workspace, Campaign, pk=pk).mailing
    chosen = _chosen(request)
    count = verb(mailing, chosen) if mailing else 0
    if count:
        messages.success(request, said(count).format(count=locales.number(count)))
    else:
        messages.info(request, _("Their result is known by now; nothing was changed."))
    if chosen:
        return redirect("recipients", request.workspace.slug, pk)
    return redirect("campaign", request.workspace.slug, pk)


@require_POST
def resend_unknown(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    def said(count: int) -> str:
        return ngettext("{count} message is sent again.", "{count} messages are sent again.", count)

    return _settle(request, pk, mailings.resend_unknown, said)


@require_POST
def count_unknown_as_sent(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    def said(count: int) -> str:
        return ngettext("{count} message counts as sent.", "{count} messages count as sent.", count)

    return _settle(request, pk, mailings.count_unknown_as_sent, said)
