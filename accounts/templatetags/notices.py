"""`{% load notices %}`: what pages say about the platform's own mails."""

from django import template

from accounts import notices

register = template.Library()


@register.simple_tag
def notices_stay() -> bool:
    return notices.stay_here()
