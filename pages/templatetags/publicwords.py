"""`{% say "page.language" %}`: a text of a page for recipients, in the language `reader` of the
page's context (pages.publicwords)."""

from django import template
from django.template import Context
from django.utils.safestring import SafeString

from pages import publicwords

register = template.Library()


@register.simple_tag(takes_context=True)
def say(context: Context, key: str, **values: object) -> SafeString:
    return publicwords.say(context["reader"], key, **values)
