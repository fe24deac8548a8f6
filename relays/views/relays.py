"""Pages of relays: present figures, the last hours, settings."""

from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest, get_in
from pages import overtaken
from relays.forms.relays import LimitsForm, RelayForm
from relays.forms.trials import RelayTestForm
from relays.models import Lane, Pool, Relay
from relays.providers import presets
from relays.providers.presets import Group, Preset
from relays.queries import figures, history
from relays.services import overview, pooloverview, usage
from relays.services import relays as service

SHOWN_LANES = 50
HEADINGS = {
    Group.CAMPAIGNS: gettext_lazy("Made for campaigns"),
    Group.OWN: gettext_lazy("A server of your own"),
    Group.OFFICE: gettext_lazy(
        "Mailboxes for people: some hundred mails a day, not for large campaigns"
    ),
}


def relays(request: WorkspaceRequest) -> HttpResponse:
    own = Relay.objects.filter(workspace=request.workspace)
    context = _listed(request) | {"any_archived": own.exclude(archived_at=None).exists()}
    return render(request, "relays/relays.html", context)


def relays_now(request: WorkspaceRequest) -> HttpResponse:
    """The live part of the list."""
    return render(request, "relays/parts/relays_now.html", _listed(request))


def _listed(request: WorkspaceRequest) -> dict[str, Any]:
    archived = request.GET.get("archived") == "1"
    own = Relay.objects.filter(workspace=request.workspace)
    rows = overview.troubled_first(own.filter(archived_at__isnull=not archived))
    pools = Pool.objects.filter(workspace=request.workspace).order_by("name")
    return {
        "rows": rows,
        "archived": archived,
        "pools": [] if archived else pooloverview.of_pools(pools, rows),
    }


def relay_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    relay = get_in(request.workspace, Relay, pk=pk)
    hours = hours_of(request)
    context = _now(relay) | {
        "preset": presets.get(relay.preset),
        "pools": Pool.objects.filter(members__relay=relay).order_by("name"),
        "hours": hours,
        "periods": PERIODS,
        "curves": history.curves(relay.pk, hours),
        "test": RelayTestForm(initial=_test_initial(request)),
        "panels": [panel.template for panel in usage.panels],
    }
    for panel in usage.panels:
        context |= panel.context(request, relay)
    return render(request, "relays/relay.html", context)


def relay_now(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The live part of the page. `state`: the state that the page shows; if it changed, the actions
    are sent, too."""
    relay = get_in(request.workspace, Relay, pk=pk)
    context = _now(relay) | {"renew_actions": request.GET.get("state") != relay.state}
    return render(request, "relays/parts/relay_now.html", context)


def relay_hours(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The curves and their sums, polled every minute."""
    relay = get_in(request.workspace, Relay, pk=pk)
    hours = hours_of(request)
    context = {"relay": relay, "hours": hours, "curves": history.curves(relay.pk, hours)}
    return render(request, "relays/parts/relay_hours.html", context)


# Periods of the curves: hours, and a short label.
PERIODS = (
    (1, gettext_lazy("1 hour")),
    (6, gettext_lazy("6 hours")),
    (24, gettext_lazy("24 hours")),
    (168, gettext_lazy("7 days")),
)


def hours_of(request: WorkspaceRequest) -> int:
    given = request.GET.get("hours", "")
    known = {str(hours): hours for hours in history.PERIODS}
    return known.get(given, history.HOURS)


def _now(relay: Relay) -> dict[str, Any]:
    now = overview.of([relay])[0]
    slowed: list[Lane] = []
    if now.figures.slowed:
        slowed = list(figures.slowed().filter(relay=relay)[:SHOWN_LANES])
    return {
        "relay": relay,
        "now": now,
        "lanes": slowed,
        "more_lanes": max(0, now.figures.slowed - len(slowed)),
        "live": usage.live(relay),
    }


def _test_initial(request: WorkspaceRequest) -> dict[str, str]:
    return {"from_email": request.workspace.from_email, "recipient": request.user.email}


def _groups() -> list[tuple[Promise, list[Preset]]]:
    """[(heading, presets)] in the order of the page."""
    return [
        (HEADINGS[group], list(offered))
        for group, offered in groupby(presets.presets().values(), lambda one: one.group)
    ]


def new_relay(request: WorkspaceRequest) -> HttpResponseBase:
    """Lets the person choose a preset first, then shows its form."""
    key = request.GET.get("preset", "")
    preset = presets.get(key)
    if preset is None:
        return render(request, "relays/relay_presets.html", {"groups": _groups()})
    form = RelayForm(request.POST or None, workspace=request.workspace, preset=preset)
    if request.method == "POST" and form.is_valid():
        relay = service.create(
            request.workspace,
            preset=key,
            password=form.new_password() or "",
            **form.values(),
        )
        service.use_proof(relay, request.POST.get("tested", ""))
        text = _("{relay} was added. Test it now.") if relay.untested else _("{relay} was added.")
        messages.success(request, text.format(relay=relay.name))
        return redirect("relay", request.workspace.slug, relay.pk)
    return render(request, "relays/relay_form.html", {"form": form, "preset": preset})


def edit_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    relay = get_in(request.workspace, Relay, pk=pk, archived_at=None)
    if relay.managed:
        return _edit_limits(request, relay)
    form = RelayForm(request.POST or None, workspace=request.workspace, relay=relay)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        typed: dict[str, Any] = {"password": form.new_password(), **form.values()}
        given = request.POST.get("tested", "")
        if not (service.loses_test(relay, given=given, **typed) and form.ask_untested()):
            service.change(relay, **typed)
            service.use_proof(relay, given)
            messages.success(request, _("Saved."))
            return redirect("relay", request.workspace.slug, relay.pk)
    context = {"form": form, "relay": relay, "preset": presets.get(relay.preset)}
    return render(request, "relays/relay_form.html", context)


def _edit_limits(request: WorkspaceRequest, relay: Relay) -> HttpResponseBase:
    initial = {name: getattr(relay, name) for name in LimitsForm.base_fields}
    form = LimitsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid() and not overtaken.is_overtaken(form):
        service.change(relay, **LimitsForm.values(form))
        messages.success(request, _("Saved."))
        return redirect("relay", request.workspace.slug, relay.pk)
    return render(request, "relays/relay_limits.html", {"form": form, "relay": relay})
