"""Campaigns before they are scheduled: created, saved piece by piece, duplicated, deleted."""

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User, Workspace
from campaigns.exceptions import CampaignConflictError, CampaignError
from campaigns.models import Campaign
from contacts.attributeuses import Use, Wanted, named_in
from contacts.models import List
from contacts.segmentmodels import Segment
from contacts.services.listdeleting import ListUse
from contacts.services.segments import Sent
from designs.models import Design
from pages import locales
from relays.models import Pool, Relay
from sending.models import Mailing

SCALARS = (
    "name",
    "from_name",
    "from_email",
    "reply_to",
    "subject",
    "preheader",
    "design",
    "relay",
    "pool",
    "open_counting",
    "track_clicks",
    "scheduled_at",
    "timezone",
    "window",
    "per_minute",
    "quiet_hours",
)
# Fields with several objects.
CHOICES = ("lists_in", "lists_out", "segments_in", "segments_out", "campaigns_out")
# Campaigns that went to a segment and are named: the latest.
SHOWN = 5
# Seconds for which deleted drafts can be brought back.
KEEP_DELETED = 3600


@transaction.atomic
def create(workspace: Workspace, *, name: str, by: User | None = None) -> Campaign:
    """Creates a draft with the workspace's defaults: sender, route, time zone."""
    last = Campaign.objects.filter(workspace=workspace).order_by("-pk").first()
    relay, pool = _usual_route(workspace, last)
    return Campaign.objects.create(
        workspace=workspace,
        name=name,
        created_by=by,
        from_name=(last.from_name if last else "") or workspace.from_name or workspace.name,
        from_email=(last.from_email if last else "") or workspace.from_email,
        reply_to=last.reply_to if last else "",
        relay=relay,
        pool=pool,
        open_counting=workspace.open_counting,
        timezone=by.timezone if by and by.timezone != "UTC" else workspace.timezone,
    )


def _usual_route(workspace: Workspace, last: Campaign | None) -> tuple[Relay | None, Pool | None]:
    """The route of the last campaign; else a pool, else a relay, if possible one that delivers."""
    if last and (last.pool or (last.relay and last.relay.archived_at is None)):
        return last.relay, last.pool
    if pool := Pool.objects.filter(workspace=workspace).order_by("pk").first():
        return None, pool
    relays = Relay.objects.filter(workspace=workspace, archived_at=None)
    return relays.order_by("-delivers", "pk").first(), None


@transaction.atomic
def save(campaign: Campaign, changes: Mapping[str, Any], *, version: int) -> Campaign:
    """Saves fields (of SCALARS and CHOICES) that were edited in `version`. A field with its stored
    value is no change.

    Raises CampaignConflictError if there is a newer version, CampaignError if it is no draft.
    """
    now = Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    if now.state != Campaign.State.DRAFT:
        raise CampaignError(_("This campaign is not a draft any more; it can't be edited."))
    scalars = {
        name: value
        for name, value in changes.items()
        if name in SCALARS and getattr(now, name) != value
    }
    choices = {
        name: value
        for name, value in changes.items()
        if name in CHOICES
        and set(getattr(now, name).values_list("pk", flat=True)) != {one.pk for one in value}
    }
    if scalars or choices:
        if now.version != version:
            raise CampaignConflictError(
                _("Somebody saved this campaign at {time}, after you opened it.").format(
                    time=locales.clock(now.updated_at)
                )
            )
        Campaign.objects.filter(pk=now.pk).update(
            **scalars, version=F("version") + 1, updated_at=timezone.now()
        )
        _still_there(choices)
        for name, value in choices.items():
            getattr(now, name).set(value)
    campaign.refresh_from_db()
    return campaign


def _still_there(choices: Mapping[str, Iterable[Any]]) -> None:
    """Keeps chosen segments from being deleted before this transaction ends. Raises CampaignError
    if one is gone."""
    wanted = {one.pk for name, some in choices.items() if "segments" in name for one in some}
    kept = Segment.objects.filter(pk__in=wanted).order_by("pk").select_for_update(no_key=True)
    if len(kept) < len(wanted):
        raise CampaignConflictError(_("A segment that you chose was deleted a moment ago."))


def using(segment: Segment) -> list[tuple[str, str, int]]:
    """Campaigns that have not started and name the segment, for contacts.services.segments."""
    named = Q(segments_in=segment) | Q(segments_out=segment)
    states = (Campaign.State.DRAFT, Campaign.State.SCHEDULED)
    found = Campaign.objects.filter(named, state__in=states).distinct().order_by("name", "pk")
    text = _("Campaign “{name}”")
    return [(text.format(name=one.name), "campaign", one.pk) for one in found]


def sent_to(segment: Segment) -> Sent:
    """Campaigns that have started and name the segment, for contacts.services.segments."""
    named = Q(segments_in=segment) | Q(segments_out=segment)
    found = Campaign.objects.filter(named).exclude(mailing=None).distinct()
    latest = found.order_by("-mailing")[:SHOWN]
    return [(one.name, "campaign", one.pk) for one in latest], found.count()


def using_list(one: List) -> list[ListUse]:
    """Campaigns that have not ended and name the list, for contacts.services.listdeleting. Those
    that are scheduled or being sent refuse; so do drafts that leave out its people, as they would
    mail them without it."""
    named = Q(lists_in=one) | Q(lists_out=one)
    waiting = Q(state__in=(Campaign.State.DRAFT, Campaign.State.SCHEDULED))
    live = Q(mailing__state__in=Mailing.LIVE)
    found = Campaign.objects.filter(named, waiting | live).distinct().order_by("name", "pk")
    out = set(found.filter(lists_out=one).values_list("pk", flat=True))
    text = _("Campaign “{name}”")
    return [
        ListUse(
            text.format(name=row.name),
            "campaign",
            row.pk,
            refuses=row.state != Campaign.State.DRAFT or row.pk in out,
        )
        for row in found
    ]


def with_attributes(wanted: Wanted) -> Iterator[tuple[str, Use]]:
    """Campaigns that have not started and use attributes in their subject or preview text, or by
    way of a segment."""
    states = (Campaign.State.DRAFT, Campaign.State.SCHEDULED)
    own = Campaign.objects.filter(workspace=wanted.workspace_id, state__in=states)
    segments = list(wanted.segments)
    named = {"segments_in__in": segments, "segments_out__in": segments}
    through = [
        pair
        for where, some in named.items()
        for pair in own.filter(**{where: some}).values_list("pk", where.removesuffix("__in"))
    ]
    by_segment: dict[int, set[str]] = {}
    for pk, segment in through:
        by_segment.setdefault(pk, set()).update(wanted.segments.get(segment, ()))
    rows = own.order_by("name", "pk").values_list("pk", "name", "subject", "preheader")
    for pk, name, subject, preheader in rows:
        keys = {*named_in(wanted.keys, subject, preheader), *by_segment.get(pk, ())}
        for key in sorted(keys):
            yield key, (_("Campaign “{name}”").format(name=name), "campaign", pk)


def propose_from_design(campaign: Campaign, design: Design | None) -> dict[str, Any]:
    """Changes that follow from choosing a design: its subject and preview text, if the campaign has
    none yet."""
    changes: dict[str, Any] = {"design": design}
    if design and not campaign.subject and not campaign.preheader:
        changes |= {"subject": design.subject, "preheader": design.preheader}
    return changes


@transaction.atomic
def duplicate(campaign: Campaign, *, by: User | None = None) -> Campaign:
    """Creates a draft with everything but the time, from a campaign in any state."""
    values = {name: getattr(campaign, name) for name in SCALARS if name != "scheduled_at"}
    values["name"] = _("{name} (copy)").format(name=campaign.name[:130])
    copy = Campaign.objects.create(workspace=campaign.workspace, created_by=by, **values)
    for name in CHOICES:
        getattr(copy, name).set(getattr(campaign, name).all())
    return copy


@transaction.atomic
def delete_drafts(campaigns: QuerySet[Campaign]) -> tuple[int, str]:
    """Deletes the drafts among them. Returns (number, token for `restore`)."""
    drafts = campaigns.filter(state=Campaign.State.DRAFT).order_by("pk")
    ids = [draft.pk for draft in drafts.select_for_update(of=("self",))]
    going = Campaign.objects.filter(pk__in=ids)
    chosen = {draft.pk: _chosen(draft) for draft in going.prefetch_related(*CHOICES)}
    token = secrets.token_urlsafe(16)
    records = [(columns, chosen[columns["id"]]) for columns in going.values()]
    cache.set(_key(token), records, KEEP_DELETED)
    going.delete()
    return len(ids), token


def delete_draft(campaign: Campaign) -> str:
    """Returns the token for `restore`. Raises CampaignError if it is no draft."""
    count, token = delete_drafts(Campaign.objects.filter(pk=campaign.pk))
    if not count:
        raise CampaignError(_("Only drafts can be deleted."))
    return token


def _key(token: str) -> str:
    return f"deleted-campaigns:{token}"


def _chosen(campaign: Campaign) -> dict[str, list[int]]:
    return {name: [one.pk for one in getattr(campaign, name).all()] for name in CHOICES}


@transaction.atomic
def restore(workspace: Workspace, token: str) -> tuple[int, list[str]]:
    """Brings back the drafts that `delete_drafts` deleted in this workspace. Returns (their number,
    0: too late; the names of those whose audience must be chosen again)."""
    lost: list[str] = []
    records = cache.get(_key(token)) or []
    here = [one for one in records if one[0]["workspace_id"] == workspace.pk]
    for columns, chosen in here:
        campaign = Campaign.objects.create(**_without_lost(columns))
        Campaign.objects.filter(pk=campaign.pk).update(created_at=columns["created_at"])
        if not _choose_again(campaign, chosen):
            lost.append(campaign.name)
    if here:
        cache.delete(_key(token))
    return len(here), lost


def _choose_again(campaign: Campaign, chosen: Mapping[str, Sequence[int]]) -> bool:
    """False: one of the segments was deleted meanwhile. Then the person chooses again whom to send
    to, because without it the campaign might reach people who were to be left out."""
    found = {
        name: getattr(campaign, name).model.objects.filter(pk__in=ids)
        for name, ids in chosen.items()
    }
    whole = all(len(rows) == len(chosen[name]) for name, rows in found.items())
    for name, rows in found.items():
        if whole or name.endswith("_out"):
            getattr(campaign, name).set(rows)
    return whole


def _without_lost(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns without references to objects that were deleted meanwhile."""
    known = {"design_id": Design, "relay_id": Relay, "pool_id": Pool, "created_by_id": User}
    lost = {
        name: None
        for name, model in known.items()
        if columns[name] and not model.objects.filter(pk=columns[name]).exists()  # type: ignore[attr-defined]
    }
    return {**columns, **lost}
