"""`{% signup_field field %}`: label, control, help and error of a field of a public form."""

from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template import Context

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
