"""`{% load contacts %}`: addresses, names, sources and reject reasons as people read them."""

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from contacts import addresses, names, rejects, sources
from contacts.models import Contact

register = template.Library()
register.filter("address", addresses.display)
register.filter("reject_reason", rejects.text)
register.filter("is_role", addresses.is_role)


@register.filter
def person_name(contact: Contact) -> str:
    return names.full(contact.first_name, contact.last_name, contact.full_name)


@register.filter
def item(mapping: dict[str, Any], key: str) -> Any:
    """`mapping[key]`, nothing if it isn't there."""
    return mapping.get(key)


@register.simple_tag(takes_context=True)
def source(context: dict[str, Any], code: str) -> str | SafeString:
    """Where something came from, linked to its page."""
    text = sources.words(code)
    if url := sources.url(code, context["workspace"].slug):
        return format_html('<a href="{}">{}</a>', url, text)
    return text
