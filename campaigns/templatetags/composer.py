"""`{% load composer %}`: routes, lists and reasons in the composer's words."""

from dataclasses import dataclass

from django import template
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from campaigns import zones
from campaigns.models import Campaign
from campaigns.queries.routes import Route
from campaigns.wording import in_zone, listed
from contacts.segmentmodels import Segment
from pages import locales, statuses
from relays.models import Relay

register = template.Library()


@dataclass(frozen=True, slots=True)
class Size:
    count: int
    words: str


@register.simple_tag
def list_size(sizes: dict[int, int], choice: object) -> Size:
    """The number of people subscribed to the list of a form's choice."""
    count = sizes.get(int(str(choice)), 0)
    return Size(count, _people(count))


@register.simple_tag
def segment_size(segment: Segment) -> str:
    """The number of contacts that the segment had when it was last counted."""
    return _people(segment.size or 0)


@register.filter
def missing_of(unusable: dict[int, str], segment: int) -> str:
    """What is missing of a segment that is not complete; "" if that is not why it can't be used."""
    return unusable.get(segment, "")


def _people(count: int) -> str:
    words = ngettext("{count} person", "{count} people", count)
    return words.format(count=locales.number(count))


@register.simple_tag
def route_limits(route: Route) -> str:
    """ "14/s, 50,000 a day" for a relay; for a pool the number of relays and their rate."""
    if not route.is_pool and route.relays:
        return _relay_limits(route.relays[0])
    count = len(route.relays)
    relays = ngettext("{count} relay", "{count} relays", count).format(count=locales.number(count))
    rate = locales.number(round(route.per_second, 1))
    return _("{relays}, together about {rate} a second").format(relays=relays, rate=rate)


def _relay_limits(relay: Relay) -> str:
    limits = (
        (relay.per_second, _("{limit} a second")),
        (relay.per_minute, _("{limit} a minute")),
        (relay.per_hour, _("{limit} an hour")),
        (relay.per_day, _("{limit} a day")),
    )
    said = [words.format(limit=locales.number(float(n))) for n, words in limits if n]
    return listed(said) or _("no limit")


@register.simple_tag
def planned(campaign: Campaign) -> str:
    """When it starts, in its own zone: "Fri 27 Nov 09:00 (Asia/Shanghai)"."""
    if campaign.scheduled_at is None:
        return ""
    return in_zone(zones.short(campaign.scheduled_at, campaign.timezone), campaign.timezone)


@register.simple_tag
def as_campaign(campaign: Campaign, contact_pk: int | None = None) -> str:
    """URL parameters with which a design's page shows the design as the campaign sends it."""
    query = {"subject": campaign.subject, "preheader": campaign.preheader, "advertising": "1"}
    if contact_pk:
        query["contact"] = str(contact_pk)
    return urlencode(query)


@register.simple_tag
def state_word(code: str) -> str:
    return str(statuses.look(code).label)
