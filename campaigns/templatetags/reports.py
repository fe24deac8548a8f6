"""`{% load reports %}`: reasons, rates and links to the people behind a figure."""

from urllib.parse import urlencode

from django import template
from django.utils.translation import gettext as _

from pages import locales, reasons, statuses
from sending.reasons import said

register = template.Library()
# Kinds of events have their words in pages.statuses, reasons theirs in sending.reasons.
EVENTS = {"hard_bounced", "soft_bounced", "blocked"}


@register.filter
def reason(code: str) -> str:
    """The sentence for a reason, or the word for a kind of event."""
    return str(statuses.look(code).label) if code in EVENTS else reasons.text(code)


register.filter("said", said)


@register.filter
def a_second(rate: float) -> str:
    """Messages a second: "13.9", "240"."""
    return locales.number(round(rate, 1) if rate < 100 else round(rate))


@register.filter
def rate(value: float) -> str:
    """ "13.9 a second"; slower rates are given per minute."""
    if 0 < value < 0.5:
        return _("{number} a minute").format(number=a_second(value * 60))
    return _("{number} a second").format(number=a_second(value))


@register.simple_tag
def people(url: str, **filters: str) -> str:
    """The URL of the table of recipients with these filters."""
    return f"{url}?{recipient_filters(**filters)}"


@register.simple_tag
def recipient_filters(**filters: str) -> str:
    """The filters alone, as a form sends them. An empty `same` is a filter, too: no words."""
    return urlencode({name: value for name, value in filters.items() if value or name == "same"})
