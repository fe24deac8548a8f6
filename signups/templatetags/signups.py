"""Tags of forms. `{% signup_field field %}`: label, control, help and error of a field of a public
form."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput, CheckboxSelectMultiple, MultiWidget
from django.template import Context

from contacts import attributevalues
from pages import publicwords, reasons
from signups.formfields import ATTRIBUTE
from signups.forms import ShownField
from signups.models import Signup

register = template.Library()


@register.inclusion_tag("public/parts/signup_field.html", takes_context=True)
def signup_field(context: Context, field: BoundField) -> dict[str, Any]:
    names = {"error": field.errors, "help": field.help_text}
    described = " ".join(f"{field.auto_id}_{name}" for name, shown in names.items() if shown)
    attributes: dict[str, Any] = {"aria-describedby": described} if described else {}
    widget = field.field.widget
    if field.errors:
        attributes["aria-invalid"] = "true"
    return {
        "reader": context["reader"],
        "field": field,
        "is_check": isinstance(widget, CheckboxInput),
        "boxes": list(field) if isinstance(widget, CheckboxSelectMultiple) else [],
        "is_group": isinstance(widget, CheckboxSelectMultiple | MultiWidget),
        "described": described,
        "control": field.as_widget(attrs=attributes),
    }


@register.filter
def refused_because(one: Signup) -> str:
    return reasons.text(one.reason)


@register.filter
def language_name(code: str) -> str:
    return publicwords.name(code)


@register.filter
def sent_values(one: Signup, fields: Mapping[str, ShownField]) -> list[tuple[str, str]]:
    """[(label, value)] of what was typed. `fields`: signups.forms.shown_fields. A field that is
    gone is shown by its key."""
    found = []
    for key, value in one.values.items():
        type_ = fields[key].type if key in fields else ""
        found.append((_name(key, fields), attributevalues.shown(type_, value)))
    return found


@register.filter
def left_out(one: Signup, fields: Mapping[str, ShownField]) -> str:
    """The names of the fields whose values were not stored; "": all were."""
    return ", ".join(_name(key, fields) for key in one.left_out)


def _name(key: str, fields: Mapping[str, ShownField]) -> str:
    return fields[key].name if key in fields else key.removeprefix(ATTRIBUTE)
