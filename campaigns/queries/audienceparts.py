"""The parts of an audience in words, with the way to each: of a draft as it is chosen, of a started
campaign as it was frozen."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts.audience import LIST, SEGMENT, SEGMENT_COPY, Audience, AudiencePart
from contacts.models import List
from contacts.segmentmodels import Segment, SegmentCopy
from pages import locales
from sending.queries.parts import MAILED_WITHIN, MAILING


@dataclass(frozen=True, slots=True)
class AudienceItem:
    """A list, a segment, ... `url` is its page, "" for none. `list`: for its size."""

    text: str
    url: str = ""
    list: List | None = None


def described(
    workspace: Workspace, audience: Audience
) -> tuple[list[AudienceItem], list[AudienceItem]]:
    """(what it includes, what it excludes), by name within each kind."""
    return _items(workspace, audience.include), _items(workspace, audience.exclude)


def _items(workspace: Workspace, some: Iterable[AudiencePart]) -> list[AudienceItem]:
    by_kind = {part.kind: list(part.ids) for part in some}
    return [
        item
        for kind, read in _KINDS.items()
        if kind in by_kind
        for item in read(workspace, by_kind[kind])
    ]


def _lists(workspace: Workspace, ids: list[int]) -> list[AudienceItem]:
    found = List.objects.filter(workspace=workspace, pk__in=ids).order_by("name", "pk")
    return [
        AudienceItem(one.name, reverse("list", args=[workspace.slug, one.pk]), one) for one in found
    ]


def _segments(workspace: Workspace, ids: list[int]) -> list[AudienceItem]:
    found = Segment.objects.filter(workspace=workspace, pk__in=ids).order_by("name")
    return [_segment(workspace, one.name, one.pk) for one in found]


def _copies(workspace: Workspace, ids: list[int]) -> list[AudienceItem]:
    """With the names of that time."""
    found = SegmentCopy.objects.filter(workspace=workspace, pk__in=ids).order_by("name")
    numbers = [one.segment_number for one in found]
    left = set(Segment.objects.filter(pk__in=numbers).values_list("pk", flat=True))
    return [
        _segment(workspace, one.name, one.segment_number)
        if one.segment_number in left
        else AudienceItem(_("Segment “{name}”").format(name=one.name))
        for one in found
    ]


def _segment(workspace: Workspace, name: str, pk: int) -> AudienceItem:
    text = _("Segment “{name}”").format(name=name)
    return AudienceItem(text, reverse("segment", args=[workspace.slug, pk]))


def _recipients(workspace: Workspace, ids: list[int]) -> list[AudienceItem]:
    found = Campaign.objects.filter(workspace=workspace, mailing__in=ids).order_by("name", "pk")
    text = _("Recipients of “{campaign}”")
    return [
        AudienceItem(
            text.format(campaign=one.name), reverse("campaign", args=[workspace.slug, one.pk])
        )
        for one in found
    ]


def _mailed_lately(_workspace: Workspace, ids: list[int]) -> list[AudienceItem]:
    [hours] = ids
    text = ngettext(
        "Who got an advertising mail in the last hour",
        "Who got an advertising mail in the last {hours} hours",
        hours,
    )
    return [AudienceItem(text.format(hours=locales.number(hours)))]


_KINDS = {
    LIST: _lists,
    SEGMENT: _segments,
    SEGMENT_COPY: _copies,
    MAILING: _recipients,
    MAILED_WITHIN: _mailed_lately,
}
