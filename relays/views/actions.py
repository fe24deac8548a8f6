"""Actions on a relay: pause, drain, resume, try again, reset, archive."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from pages import locales, toasts
from relays.models import Lane, Relay
from relays.services import health, overview
from relays.services import relays as service

State = Relay.State
# {former state: URL that restores it}; a stop by the platform isn't restored.
BACK = {
    State.ACTIVE.value: "resume_relay",
    State.DRAINING.value: "drain_relay",
    State.PAUSED.value: "pause_relay",
}


def _moved(
    request: WorkspaceRequest, pk: int, step: Callable[[Relay], bool], said: str
) -> HttpResponseBase:
    """Does the step and offers to undo it."""
    relay = get_in(request.workspace, Relay, pk=pk)
    back = BACK.get(relay.state)
    if step(relay):
        text = said.format(relay=relay.name)
        if back:
            toasts.undo(request, text, reverse(back, args=[request.workspace.slug, relay.pk]))
        else:
            messages.success(request, text)
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def pause_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    return _moved(request, pk, service.pause, _("{relay} is paused."))


@require_POST
def drain_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    text = _("{relay} is drained: it ends what it has begun, then it is paused.")
    return _moved(request, pk, service.drain, text)


@require_POST
def resume_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Resumes a relay, also one that the platform stopped; its page has shown the reason."""
    return _moved(request, pk, service.resume, _("{relay} sends again."))


@require_POST
def try_relay_now(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    relay = get_in(request.workspace, Relay, pk=pk)
    if health.try_now(relay):
        messages.success(request, _("{relay} is tried again now.").format(relay=relay.name))
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def reset_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Forgets what was learned about the server."""
    relay = get_in(request.workspace, Relay, pk=pk, archived_at=None)
    health.reset(relay)
    text = _("What {relay} had learned is forgotten; it finds its pace anew.")
    messages.success(request, text.format(relay=relay.name))
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def reset_lane(request: WorkspaceRequest, pk: int, lane: int) -> HttpResponseBase:
    relay = get_in(request.workspace, Relay, pk=pk)
    found = Lane.objects.filter(relay=relay, pk=lane).select_related("relay").first()
    if found:
        service.forget_lane(found)
        text = _("{relay} sends to {provider} at full pace again.")
        said = text.format(relay=relay.name, provider=overview.lane_label(found.name))
        messages.success(request, said)
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def archive_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Archives a relay, or brings it back."""
    relay = get_in(request.workspace, Relay, pk=pk, managed_by="")
    if relay.archived_at:
        service.bring_back(relay)
        text = _("{relay} is back, and paused until you resume it.")
        messages.success(request, text.format(relay=relay.name))
        return redirect("relay", request.workspace.slug, relay.pk)
    try:
        service.archive(relay)
    except service.InUseError as error:
        text = ngettext(
            "{relay} can't be archived: a mailing that is not finished uses it. Wait for its end, "
            "or cancel it.",
            "{relay} can't be archived: {count} mailings that are not finished use it. Wait for "
            "their end, or cancel them.",
            error.count,
        )
        count = locales.number(error.count)
        messages.error(request, text.format(relay=relay.name, count=count))
        return redirect("relay", request.workspace.slug, relay.pk)
    messages.success(request, _("{relay} is archived.").format(relay=relay.name))
    return redirect("relays", request.workspace.slug)
