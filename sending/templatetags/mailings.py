"""`{% load mailings %}`: what a mailing was opened for, and replies in the reader's language."""

from urllib.parse import urlencode

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from contacts import sources
from sending.models import Mailing
from sending.reasons import said

register = template.Library()
register.filter("said", said)


@register.simple_tag(takes_context=True)
def origin_people(context: template.Context, mailing: Mailing, state: str) -> str:
    """Where the mailing's people in this state are listed, or ""."""
    url = sources.people_url(mailing.origin, context["request"].workspace.slug)
    return f"{url}?{urlencode({'state': state})}" if url else ""


@register.simple_tag(takes_context=True)
def origin(context: template.Context, mailing: Mailing) -> SafeString:
    """What the mailing was opened for ("campaign 7"), as a link where that is a page."""
    words = (context.get("source_names") or {}).get(mailing.origin) or sources.words(mailing.origin)
    url = sources.url(mailing.origin, context["request"].workspace.slug)
    return format_html('<a href="{}">{}</a>', url, words) if url else conditional_escape(words)
