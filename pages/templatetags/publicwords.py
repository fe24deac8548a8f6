"""Tags of pages for recipients, whose context has the language `reader` (pages.publicwords).

`{% say "page.language" %}` is a text. `{{ address|strong }}`,
`{{ address|left_to_right }}` and `{{ address|mail_link }}` are values for texts, set apart from
text that runs in the other direction.
"""

from typing import Any

from django import template
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString

from pages import publicwords, readers

register = template.Library()


@register.simple_tag(takes_context=True)
def say(context: Context, key: str, **values: object) -> SafeString:
    return publicwords.say(context["reader"], key, **values)


@register.filter
def strong(value: object) -> SafeString:
    return format_html("<strong><bdi>{}</bdi></strong>", value)


@register.filter
def mail_link(address: object) -> SafeString:
    return format_html('<a href="mailto:{0}"><bdi>{0}</bdi></a>', address)


@register.filter
def left_to_right(address: object) -> SafeString:
    """An address, in a text of any direction."""
    return format_html('<bdi dir="ltr">{}</bdi>', address)


@register.filter
def direction(reader: str) -> str:
    """The attribute `dir` for the language."""
    return publicwords.direction(reader)


@register.inclusion_tag("public/parts/languages.html", takes_context=True)
def language_switch(context: Context) -> dict[str, Any]:
    """Links to the same page in each language; the other parameters of its address stay."""
    parameters = context["request"].GET.copy()
    found = []
    for code in publicwords.LANGUAGES:
        parameters[readers.PARAMETER] = code
        found.append((code, publicwords.name(code), f"?{parameters.urlencode()}"))
    return {"reader": context["reader"], "languages": found}
