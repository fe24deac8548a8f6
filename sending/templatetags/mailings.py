"""`{% load mailings %}`: a mailing's people, and replies in the reader's language."""

from urllib.parse import urlencode

from django import template

from contacts import sources
from sending.models import Mailing
from sending.reasons import said

register = template.Library()
register.filter("said", said)


@register.simple_tag(takes_context=True)
def source_people(context: template.Context, mailing: Mailing, state: str) -> str:
    """Where the mailing's people in this state are listed, or ""."""
    url = sources.people_url(mailing.source, context["request"].workspace.slug)
    return f"{url}?{urlencode({'state': state})}" if url else ""
