"""`{% load accounts %}`: tags for the pages of accounts only."""

from django import template

from accounts import timezones

register = template.Library()


@register.simple_tag
def zones() -> list[timezones.Zone]:
    """Every time zone that may be chosen."""
    return timezones.choices()
