"""Campaigns: the list, the page of one campaign in any state, the review screen, and actions."""

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from accounts.permissions import Permission
from campaigns import transitions, wording, zones
from campaigns.exceptions import CampaignError
from campaigns.forms import NewCampaignForm
from campaigns.models import Campaign
from campaigns.queries import overview
from campaigns.queries.routes import Route
from campaigns.services import audiences, drafts, starting
from campaigns.views import composer, report
from contacts.models import List
from contacts.queries import openconsent
from designs.models import Design
from pages import locales, numbers, tables, toasts

# The filter by the start: {days: label}.
PERIODS = {
    "7": gettext_lazy("Started in the last 7 days"),
    "30": gettext_lazy("Started in the last 30 days"),
    "90": gettext_lazy("Started in the last 90 days"),
}
# Drafts that a message names at most.
NAMED = 5
# A due campaign should start within this many seconds.
SHOULD_START_WITHIN = 15


# The list ----------------------------------------------------------------------------------------


def filtered(workspace: Workspace, parameters: QueryDict) -> QuerySet[Campaign]:
    """Campaigns by the filters q (part of name or subject), state (one of
    campaigns.transitions.STATES) and days (started within that many days)."""
    rows = Campaign.objects.filter(workspace=workspace)
    if (days := parameters.get("days", "")) in PERIODS:
        rows = overview.started_within(workspace, days=int(days))
    if text := parameters.get("q", "").strip():
        rows = rows.filter(Q(name__icontains=text) | Q(subject__icontains=text))
    if (state := parameters.get("state", "")) in transitions.STATES:
        rows = rows.filter(
            Q(mailing__state=state) | Q(mailing=None, state=state)
            if state in Campaign.State
            else Q(mailing__state=state)
        )
    return rows


def campaigns(request: WorkspaceRequest) -> HttpResponse:
    rows = filtered(request.workspace, request.GET)
    page = tables.keyset(
        rows.select_related("mailing__tally").annotate(
            when=Coalesce("mailing__opened_at", "scheduled_at")
        ),
        request,
        sorts={
            "name": "name",
            "when": "when",
            "recipients": "mailing__tally__targeted",
            "changed": "pk",
        },
        default="-changed",
    )
    days = request.GET.get("days", "")
    context = {
        "page": page,
        "states": transitions.STATES,
        "periods": PERIODS.items(),
        "sums": overview.sums(rows) if days in PERIODS else None,
        "filtered": any(request.GET.get(name) for name in ("q", "state", "days")),
    }
    return render(request, "campaigns/campaigns.html", context)


@require_POST
def campaigns_bulk(request: WorkspaceRequest) -> HttpResponseBase:
    """Deletes the drafts among the selected campaigns, and says how many others stay."""
    if request.POST.get("action") != "delete":
        raise BadRequest
    rows = tables.selected(request, lambda parameters: filtered(request.workspace, parameters))
    others = rows.exclude(state=Campaign.State.DRAFT).count()
    count, token = drafts.delete_drafts(rows)
    if count:
        text = ngettext("{count} draft deleted.", "{count} drafts deleted.", count)
        url = reverse("undo_campaigns", args=[request.workspace.slug])
        toasts.undo(request, text.format(count=locales.number(count)), f"{url}?token={token}")
    if others:
        text = ngettext(
            "{count} campaign is no draft and stays.",
            "{count} campaigns are no drafts and stay.",
            others,
        )
        messages.info(request, text.format(count=locales.number(others)))
    return redirect("campaigns", request.workspace.slug)


@require_POST
def undo_campaigns(request: WorkspaceRequest) -> HttpResponseBase:
    """Brings back deleted drafts."""
    count, lost = drafts.restore(request.workspace, request.GET.get("token", ""))
    if count:
        text = ngettext("{count} draft is back.", "{count} drafts are back.", count)
        messages.success(request, text.format(count=locales.number(count)))
    else:
        messages.error(request, _("It is too late to bring them back."))
    if lost:
        text = _("{campaigns}: a segment was deleted meanwhile. Choose again whom they go to.")
        messages.warning(request, text.format(campaigns=wording.listed(lost[:NAMED])))
    return redirect("campaigns", request.workspace.slug)


# One campaign ------------------------------------------------------------------------------------


def new_campaign(request: WorkspaceRequest) -> HttpResponseBase:
    """Creates a draft with the design and list of ?design= and ?list=."""
    form = NewCampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made = drafts.create(request.workspace, name=form.cleaned_data["name"], by=request.user)
        drafts.save(made, _given(request, made), version=made.version)
        return redirect("campaign", request.workspace.slug, made.pk)
    return render(request, "campaigns/campaign_new.html", {"form": form})


def _given(request: WorkspaceRequest, campaign: Campaign) -> dict[str, object]:
    """The new campaign's fields from the URL; unknown designs and lists are ignored."""
    changes: dict[str, object] = {}
    design, chosen = (numbers.whole(request.GET.get(name, "")) for name in ("design", "list"))
    if design is not None:
        found = Design.objects.filter(workspace=request.workspace, pk=design).first()
        changes |= drafts.propose_from_design(campaign, found)
    if chosen is not None:
        lists = List.objects.filter(workspace=request.workspace, pk=chosen)
        changes["lists_in"] = list(lists)
    return changes


def campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The composer of a draft, the plan of a scheduled one, the report of a started one."""
    one = get_in(request.workspace, Campaign, pk=pk)
    if one.mailing_id is not None:
        return report.page(request, one)
    if one.state == Campaign.State.DRAFT and request.may(Permission.EDIT_CAMPAIGNS):
        return composer.page(request, one)
    return _review(request, one)


def review_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """One screen before sending: audience, mail, route, time and problems."""
    one = get_in(request.workspace, Campaign, pk=pk)
    if one.state != Campaign.State.DRAFT:
        return redirect("campaign", request.workspace.slug, one.pk)
    return _review(request, one)


def _review(request: WorkspaceRequest, one: Campaign) -> HttpResponse:
    person = audiences.somebody(one, after=numbers.whole(request.GET.get("after", "")) or 0)
    known = composer.rail(request, one, fresh=True)
    moment = zones.of(one.scheduled_at, one.timezone) if one.scheduled_at else None
    send = transitions.transition("send", transitions.DRAFT)
    cancel = transitions.transition("cancel", transitions.SCHEDULED)
    due_for = _due_for(one)
    context = {
        **known,
        "state": transitions.state_of(one),
        "person": person,
        "inbox": composer.inbox(one, person),
        "said": zones.meant(moment, reader=zones.known(request.user.timezone)) if moment else [],
        "at": zones.short(one.scheduled_at, one.timezone) if one.scheduled_at else "",
        "sure": _sure(known["review"].route),
        "question": transitions.asked(send, {"recipients": known["audience"].recipients})
        if send
        else "",
        "cancel_question": transitions.asked(cancel, {}) if cancel else "",
        "starting": due_for is not None,
        "agreed": openconsent.agreed(request.workspace.pk)
        if one.open_counting == OpenCounting.CONSENT
        else 0,
        "late": due_for is not None and due_for > SHOULD_START_WITHIN,
    }
    return render(request, "campaigns/review.html", context)


def _sure(route: Route | None) -> str:
    """The label of the box to tick before the campaign goes out; "": no box."""
    names = [relay.name for relay in route.untested] if route else []
    if not names:
        return ""
    text = ngettext(
        "Send although {relays} has not passed a test yet",
        "Send although {relays} have not passed a test yet",
        len(names),
    )
    return text.format(relays=locales.listed(names))


def campaign_starting(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Polled by the page of a scheduled campaign. Empty before its time, a note while it is being
    started, and a reload of the page when it has started or failed to."""
    one = get_in(request.workspace, Campaign, pk=pk)
    if one.state != Campaign.State.SCHEDULED:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    due_for = _due_for(one)
    if due_for is None:
        return HttpResponse(status=204)
    context = {"campaign": one, "late": due_for > SHOULD_START_WITHIN}
    return render(request, "campaigns/parts/starting.html", context)


def _due_for(one: Campaign) -> float | None:
    """Seconds since a scheduled campaign was due; None: not due yet, or in another state."""
    if one.state != Campaign.State.SCHEDULED:
        return None
    seconds = (timezone.now() - (one.scheduled_at or one.updated_at)).total_seconds()
    return seconds if seconds >= 0 else None


# The verbs ---------------------------------------------------------------------------------------


@require_POST
def schedule_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Schedules for the campaign's own time; `version` is the version that the person has seen."""
    one = get_in(request.workspace, Campaign, pk=pk)
    if one.scheduled_at is None:
        messages.error(request, _("Choose a date and a time first."))
        return _back(request, one, "review_campaign")
    try:
        starting.schedule(
            one,
            at=one.scheduled_at,
            by=request.user,
            version=numbers.whole(_version(request)) or 0,
            untested=_untested(request),
        )
    except CampaignError as error:
        return _refused(request, one, error)
    text = _("{campaign} is scheduled for {at} ({zone}).")
    at = zones.short(one.scheduled_at, one.timezone) if one.scheduled_at else ""
    messages.success(request, text.format(campaign=one.name, at=at, zone=one.timezone))
    return _back(request, one)


@require_POST
def send_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Schedules for now; `version` is the version that the person has seen."""
    one = get_in(request.workspace, Campaign, pk=pk)
    try:
        starting.start_now(
            one,
            by=request.user,
            version=numbers.whole(_version(request)) or 0,
            untested=_untested(request),
        )
    except CampaignError as error:
        return _refused(request, one, error)
    return _back(request, one)


def _version(request: WorkspaceRequest) -> str:
    return request.POST.get("version", "")


def _untested(request: WorkspaceRequest) -> bool:
    """Whether the person allowed untested relays to carry it."""
    return request.POST.get("untested") == "1"


def _refused(request: WorkspaceRequest, one: Campaign, error: CampaignError) -> HttpResponseBase:
    messages.error(request, str(error))
    one.refresh_from_db()
    return _back(request, one, "review_campaign")


def _back(request: WorkspaceRequest, one: Campaign, name: str = "campaign") -> HttpResponseBase:
    return redirect(name, request.workspace.slug, one.pk)


@require_POST
def unschedule_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Campaign, pk=pk)
    try:
        starting.unschedule(one)
    except CampaignError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("{campaign} is a draft again.").format(campaign=one.name))
    return _back(request, one)


@require_POST
def duplicate_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Campaign, pk=pk)
    copy = drafts.duplicate(one, by=request.user)
    messages.success(request, _("This is the copy of {campaign}.").format(campaign=one.name))
    return _back(request, copy)


@require_POST
def delete_campaign(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Campaign, pk=pk)
    try:
        token = drafts.delete_draft(one)
    except CampaignError as error:
        messages.error(request, str(error))
        return _back(request, one)
    url = reverse("undo_campaigns", args=[request.workspace.slug])
    text = _("{campaign} was deleted.").format(campaign=one.name)
    toasts.undo(request, text, f"{url}?token={token}")
    return redirect("campaigns", request.workspace.slug)
