"""`{% load notices %}`: whether the platform's own mails reach mailboxes."""

from django import template

from accounts import notices

register = template.Library()


@register.simple_tag
def notices_stay() -> bool:
    return notices.stay_here()
