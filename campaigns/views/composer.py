"""The composer: one page whose sections are saved one by one while the person types."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from campaigns import wording, zones
from campaigns.exceptions import CampaignConflictError, CampaignError
from campaigns.forms import (
    ContentForm,
    FromForm,
    NameForm,
    RouteForm,
    SubjectForm,
    WhenForm,
)
from campaigns.models import Campaign
from campaigns.queries import audienceparts, routes
from campaigns.queries.audience import audience_of
from campaigns.sectionform import SectionForm
from campaigns.services import audiences, drafts, review
from campaigns.services.review import ReviewProblem
from campaigns.toform import ToForm
from campaigns.wording import in_zone, listed
from contacts import addresses
from contacts.models import Contact
from contacts.queries import segmentsizes
from designs import fields
from designs.previews import Preview, as_advertising, render_preview
from pages import editors, numbers
from relays import windows

# Designs that the picker shows; the page of designs finds the others by search.
MOST_DESIGNS = 24


@dataclass(frozen=True, slots=True)
class ComposerSection:
    key: str
    title: str | Promise
    form: type[SectionForm]
    # One line about the section's values.
    summary: Callable[[Campaign], str]


def to(campaign: Campaign) -> str:
    found = audienceparts.described(campaign.workspace, audience_of(campaign))
    chosen, left_out = (listed(one.text for one in side) for side in found)
    if left_out and chosen:
        return _("{lists}, without {others}").format(lists=chosen, others=left_out)
    return chosen


def _from(campaign: Campaign) -> str:
    address = addresses.display(campaign.from_email)
    if not campaign.from_name:
        return address
    if not address:
        return str(_("{name}, no address yet")).format(name=campaign.from_name)
    return f"{campaign.from_name} <{address}>"


def _route(campaign: Campaign) -> str:
    route = routes.of(campaign)
    return route.name if route else ""


def start(campaign: Campaign) -> str:
    if campaign.scheduled_at is None:
        return str(_("As soon as I say so"))
    return in_zone(zones.short(campaign.scheduled_at, campaign.timezone), campaign.timezone)


def when(campaign: Campaign) -> str:
    """The start, followed by the campaign's own limits."""
    limits = wording.limits(campaign.window, campaign.per_minute)
    return " · ".join((start(campaign), *limits))


SECTIONS = (
    ComposerSection("to", pgettext_lazy("campaign", "To"), ToForm, to),
    ComposerSection("from", pgettext_lazy("campaign", "From"), FromForm, _from),
    ComposerSection("subject", _("Subject"), SubjectForm, lambda campaign: campaign.subject),
    ComposerSection(
        "content", _("Content"), ContentForm, lambda c: c.design.name if c.design else ""
    ),
    ComposerSection("route", _("Sent through"), RouteForm, _route),
    ComposerSection("when", _("When"), WhenForm, when),
)
NAME = ComposerSection("name", _("Name"), NameForm, lambda campaign: campaign.name)


@dataclass(slots=True)
class ShownSection:
    """A section with everything that the page shows of it."""

    section: ComposerSection
    form: SectionForm
    what: str
    problems: list[ReviewProblem] = field(default_factory=list)
    open: bool = False

    @property
    def key(self) -> str:
        return self.section.key

    @property
    def done(self) -> bool:
        return not self.form.errors and not any(
            problem.severity == review.ERROR for problem in self.problems
        )

    @property
    def template(self) -> str:
        return f"campaigns/parts/composer_{self.section.key}.html"


def _shown(campaign: Campaign, bound: SectionForm | None = None) -> list[ShownSection]:
    """All sections; `bound`: the form of a section with errors."""
    found = review.problems(campaign)
    return [
        ShownSection(
            section,
            bound if type(bound) is section.form else section.form(campaign=campaign),
            section.summary(campaign),
            [problem for problem in found if problem.section == section.key],
        )
        for section in SECTIONS
    ]


def _context(
    request: WorkspaceRequest, campaign: Campaign, bound: SectionForm | None = None
) -> dict[str, Any]:
    shown = _shown(campaign, bound)
    by_key = {one.key: one for one in shown}
    content = by_key["content"].form
    chooser: Any = content.fields["design"]
    designs = list(chooser.queryset[:MOST_DESIGNS])
    if campaign.design and campaign.design not in designs:
        designs.insert(0, campaign.design)
    return {
        "campaign": campaign,
        "sections": shown,
        "name_form": NameForm(campaign=campaign),
        "sizes": audiences.sizes(request.workspace.pk),
        "unusable": segmentsizes.unusable(request.workspace.pk),
        "designs": designs,
        "more_designs": len(designs) >= MOST_DESIGNS,
        "merge_fields": fields.offered(
            request.workspace, fields.language_of(review.source_of(campaign).parts())
        ),
        "inbox": inbox(campaign, audiences.somebody(campaign)),
        "said": _said(request, by_key["when"].form),
        "window_said": _window_said(campaign),
        "saved_at": timezone.localtime(campaign.updated_at),
    }


def inbox(campaign: Campaign, person: Contact | None) -> Preview:
    """Subject and preview text, rendered for the person."""
    preview = render_preview(
        campaign.workspace,
        subject=campaign.subject,
        preheader=campaign.preheader,
        contact=person,
    )
    return as_advertising(preview, campaign.workspace, person)


def _said(request: WorkspaceRequest, form: SectionForm) -> list[str]:
    """Sentences about the chosen time: in other zones, and about changes of the clocks."""
    campaign = form.campaign
    moment = form.moment if isinstance(form, WhenForm) else None
    if moment is None and campaign.scheduled_at and not form.is_bound:
        moment = zones.of(campaign.scheduled_at, campaign.timezone)
    return zones.meant(moment, reader=zones.known(request.user.timezone)) if moment else []


def _window_said(campaign: Campaign) -> list[str]:
    """Sentences about the window, and when it opens if it is closed at the start."""
    window = campaign.window
    if not window:
        return []
    means = _("It sends {window}. What isn't sent when a window ends goes on in the next one.")
    said = [str(means).format(window=wording.window(window))]
    if window["to"] < window["from"]:
        said.append(str(_("The hours go over midnight: a day's window ends on the day after.")))
    opens = windows.opens(window, campaign.scheduled_at or timezone.now())
    if opens is not None:
        at = in_zone(zones.short(opens, window["zone"]), window["zone"])
        first = _("The first mails go out {at}.")
        if campaign.scheduled_at is None:
            first = _("Sent now, the first mails would go out {at}.")
        said.append(str(first).format(at=at))
    return said


def page(
    request: WorkspaceRequest,
    campaign: Campaign,
    bound: SectionForm | None = None,
    conflict: str = "",
) -> HttpResponse:
    """The composer of a draft. The requested section is open, else the first incomplete one."""
    context = _context(request, campaign, bound)
    shown: list[ShownSection] = context["sections"]
    wanted = request.GET.get("open", "")
    first = next((one for one in shown if one.form.is_bound), None)
    first = first or next((one for one in shown if one.key == wanted), None)
    first = first or next((one for one in shown if not one.done), None)
    if first:
        first.open = True
    return render(request, "campaigns/composer.html", {**context, "conflict": conflict})


@require_POST
def save_campaign(request: WorkspaceRequest, pk: int, section: str) -> HttpResponseBase:
    """Saves the valid fields of one section. Scripts get the parts of the page that change."""
    campaign = get_in(request.workspace, Campaign, pk=pk)
    entry = next((one for one in (NAME, *SECTIONS) if one.key == section), None)
    if entry is None:
        raise Http404
    version = numbers.whole(request.POST.get("version", ""))
    if version is None:
        raise BadRequest
    form = entry.form(request.POST, campaign=campaign)
    form.is_valid()
    before = campaign.subject
    try:
        key = f"campaign-{campaign.pk}"
        version = editors.base(request, key, named=version, current=campaign.version)
        drafts.save(campaign, form.changes(), version=version)
        editors.saved(request, key, campaign.version)
    except CampaignConflictError as error:
        return _conflict(request, campaign, form, str(error))
    except CampaignError as error:
        return _conflict(request, campaign, form, str(error), final=True)
    if not request.htmx:
        return _next_page(request, campaign, entry, form)
    return _saved(request, campaign, form, proposed=campaign.subject != before)


def _next_page(
    request: WorkspaceRequest, campaign: Campaign, entry: ComposerSection, form: SectionForm
) -> HttpResponseBase:
    """Without scripts: the same section if it has errors, else the next one."""
    if form.errors and entry is not NAME:
        return page(request, campaign, form)
    for errors in form.errors.values():
        messages.error(request, str(errors[0]))
    url = reverse("campaign", args=[request.workspace.slug, campaign.pk])
    keys = [one.key for one in SECTIONS]
    if entry.key in keys[:-1]:
        return redirect(f"{url}?open={keys[keys.index(entry.key) + 1]}")
    return redirect(url)


def _saved(
    request: WorkspaceRequest, campaign: Campaign, form: SectionForm, *, proposed: bool
) -> HttpResponse:
    """The parts of the page that a save changes; htmx puts them in their places."""
    context = _context(request, campaign, form)
    keys = {one.key for one in context["sections"] if one.form is form}
    if isinstance(form, ContentForm) and proposed:
        keys.add("subject")
        context["redraw"] = "subject"
    context |= {"keys": keys, "form": form}
    response = render(request, "campaigns/parts/composer_saved.html", context)
    response["HX-Trigger"] = json.dumps({"saved": {"version": campaign.version}})
    return response


def _conflict(
    request: WorkspaceRequest,
    campaign: Campaign,
    form: SectionForm,
    text: str,
    *,
    final: bool = False,
) -> HttpResponseBase:
    """Keeps the person's input and lets the person choose between both versions."""
    campaign = get_in(request.workspace, Campaign, pk=campaign.pk)
    if request.htmx:
        context = {"campaign": campaign, "conflict": text, "final": final, "section": form}
        return render(request, "campaigns/parts/composer_conflict.html", context)
    if final:
        messages.error(request, text)
        return redirect("campaign", request.workspace.slug, campaign.pk)
    return page(request, campaign, form, conflict=text)


def campaign_readiness(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The rail: audience, problems, duration."""
    campaign = get_in(request.workspace, Campaign, pk=pk)
    return render(request, "campaigns/parts/composer_rail.html", rail(request, campaign))


def rail(request: WorkspaceRequest, campaign: Campaign, *, fresh: bool = False) -> dict[str, Any]:
    """The context of the rail and the review screen."""
    found = review.review(campaign, fresh=fresh)
    zone = campaign.timezone if campaign.scheduled_at else zones.known(request.user.timezone)
    # Rounded up to whole minutes, as the duration is.
    finish = found.begin + timedelta(minutes=-(-found.seconds // 60)) if found.seconds else None
    return {
        "campaign": campaign,
        "review": found,
        "audience": found.audience,
        "sizes": audiences.sizes(request.workspace.pk),
        "when": start(campaign),
        "limits": wording.limits(campaign.window, campaign.per_minute),
        "takes": zones.duration(found.seconds) if found.seconds else "",
        "finish": zones.short(finish, zone) if finish else "",
        "finish_zone": zone,
    }
