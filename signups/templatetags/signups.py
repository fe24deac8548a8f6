"""Tags of forms. `{% signup_field field %}`: label, control, help and error of a field of a public
form."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template import Context
from django.utils.translation import gettext as _

from pages import publicwords, reasons
from signups.formfields import ATTRIBUTE
from signups.models import Signup

register = template.Library()


@register.inclusion_tag("public/parts/signup_field.html", takes_context=True)
def signup_field(context: Context, field: BoundField) -> dict[str, Any]:
    names = {"error": field.errors, "help": field.help_text}
    described = " ".join(f"{field.auto_id}_{name}" for name, shown in names.items() if shown)
    attributes: dict[str, Any] = {"aria-describedby": described} if described else {}
    if field.errors:
        attributes["aria-invalid"] = "true"
    return {
        "reader": context["reader"],
        "field": field,
        "is_check": isinstance(field.field.widget, CheckboxInput),
        "control": field.as_widget(attrs=attributes),
    }


@register.filter
def refused_because(one: Signup) -> str:
    return reasons.text(one.reason)


@register.filter
def language_name(code: str) -> str:
    return publicwords.name(code) if code in publicwords.LANGUAGES else code


@register.filter
def sent_values(one: Signup, labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """[(label, value)] of what was typed. `labels`: of the form's fields by their keys; a field
    that it no longer has is shown by its key."""
    yes = _("Yes")
    return [
        (labels.get(key) or key.removeprefix(ATTRIBUTE), yes if value is True else str(value))
        for key, value in one.values.items()
    ]
