"""`{% load relays %}`: limits and rates of relays in words."""

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts import sources
from pages import locales
from sending.models import Mailing, Relay
from sending.presets import Preset

register = template.Library()


@register.simple_tag
def limits(relay: Relay | Preset) -> str:
    """ "14 a second, 50,000 a day", or that there are none."""
    known = (
        (relay.per_second, _("{limit} a second")),
        (relay.per_hour, _("{limit} an hour")),
        (relay.per_day, _("{limit} a day")),
    )
    said = [words.format(limit=locales.number(float(limit))) for limit, words in known if limit]
    return _(", ").join(said) or _("No limits")


@register.simple_tag
def lines(relay: Relay) -> str:
    """ "4 connections, 100 messages on each"."""
    text = ngettext("{count} connection", "{count} connections", relay.connections)
    text = text.format(count=locales.number(relay.connections))
    most = relay.messages_per_connection
    if not most:
        return text
    each = ngettext("{count} message on each", "{count} messages on each", most)
    return _(", ").join([text, each.format(count=locales.number(most))])


@register.simple_tag
def rate(per_second: float) -> str:
    """With one digit where it is small."""
    return locales.number(round(per_second, 1 if per_second < 100 else 0))


@register.simple_tag(takes_context=True)
def origin(context: template.Context, mailing: Mailing) -> SafeString:
    """What the mailing was opened for ("campaign 7"), as a link where that is a page."""
    words = (context.get("source_names") or {}).get(mailing.origin) or sources.words(mailing.origin)
    url = sources.url(mailing.origin, context["request"].workspace.slug)
    return format_html('<a href="{}">{}</a>', url, words) if url else conditional_escape(words)
