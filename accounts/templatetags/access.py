"""`{% load access %}`: `{% if request|may:"edit_contacts" %}` shows only what the role allows."""

from django import template
from django.http import HttpRequest

from accounts.permissions import Permission

register = template.Library()


@register.filter
def may(request: HttpRequest, permission: str) -> bool:
    """Whether the person's role has this permission (a value of accounts.permissions)."""
    asked = getattr(request, "may", None)
    return asked is not None and bool(asked(Permission(permission)))
