"""`{% load contacts %}`: addresses, names, values, sources, reject reasons as people read them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts import (
    addresses,
    attributevalues,
    erasures,
    mergenames,
    names,
    rejects,
    sources,
    suppressionwords,
)
from contacts.models import Attribute, Contact
from contacts.provenance import Source
from contacts.suppressionmodels import Suppression
from pages import locales

register = template.Library()
register.filter("reject_reason", rejects.text)
register.filter("is_role", addresses.is_role)
register.filter("suppressed_value", suppressionwords.value)
register.filter("suppressed_until", suppressionwords.until)
register.filter("suppressed_sentence", suppressionwords.sentence)


@register.filter
def address(stored: str) -> str:
    """An address as people read it; in rows of an erased person there is none."""
    return _("an erased person") if erasures.is_erased(stored) else addresses.display(stored)


@register.filter
def domain_of(email: str) -> str:
    """The domain of an address as people read it."""
    return addresses.display(email).rpartition("@")[2]


@register.filter
def person_name(contact: Contact) -> str:
    return names.full(contact.first_name, contact.last_name, contact.full_name)


@register.filter
def of_key(found: dict[str, Any], attribute: Attribute) -> Any:
    """What a dictionary by keys of attributes has for this one."""
    return found.get(attribute.key)


@register.filter
def has_value(attributes: dict[str, Any], attribute: Attribute) -> bool:
    return attributes.get(attribute.key) not in (None, "")


@register.filter
def value_of(attributes: dict[str, Any], attribute: Attribute) -> str:
    """A contact's value of this attribute in the reader's language; "–" for none."""
    return attributevalues.shown(attribute.type, attributes.get(attribute.key))


@register.filter
def entries_of(attributes: dict[str, Any], attribute: Attribute) -> list[str]:
    """The objects of a list, one line for each; [] for another value."""
    return attributevalues.entries(attributes.get(attribute.key))


@register.filter
def shown_as(value: object, attribute: Attribute) -> str:
    """One value of this attribute, as `value_of`."""
    return attributevalues.shown(attribute.type, value)


@register.filter
def reason_label(reason: str) -> str:
    """A reason of suppressions in words; "" is one that a file does not say."""
    return str(dict(Suppression.Reason.choices)[reason or Suppression.Reason.IMPORTED])


@register.filter
def merge_field(attribute: Attribute) -> str:
    """The placeholder for the attribute in a design."""
    if attribute.type == Attribute.Type.OBJECTS:
        return mergenames.loop(attribute.key)
    return "{{ " + attribute.key + " }}"


@register.filter
def duration(seconds: float) -> str:
    """About how long: "12 seconds", "3 minutes"."""
    span = dt.timedelta(seconds=max(1, round(seconds)))
    return locales.duration(span)


@register.filter
def source_words(value: Sequence[Any]) -> str:
    """The text for a source stored as JSON."""
    return sources.words(Source.from_json(value))


@register.simple_tag(takes_context=True)
def source(context: dict[str, Any], one: Source, afterwards: str = "") -> str | SafeString:
    """A source with its name and a link to its page. The view puts the names into the context as
    `source_names` (contacts.sources.names): a deleted source has no name and gets no link.
    `afterwards`: contacts.models."""
    named = context.get("source_names", {})
    text = sources.in_words(named)(one, afterwards)
    if sources.is_there(one, named) and (url := sources.url(one, context["workspace"].slug)):
        return format_html('<a href="{}">{}</a>', url, text)
    return text
