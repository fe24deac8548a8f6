"""The tags that every page is built with: `{% load pages %}`."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message
from django.forms import BaseForm, BoundField, CheckboxInput, Select, Widget
from django.forms.widgets import CheckboxSelectMultiple, ChoiceWidget, RadioSelect
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from pages import bundles, locales, overtaken, statuses, tables, toasts

register = template.Library()


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A Tabler icon from the sprite. Screen readers skip it, so the words beside it must say it."""
    return format_html(
        '<svg class="icon {}" width="20" height="20" aria-hidden="true" focusable="false">'
        '<use href="{}#{}"/></svg>',
        css,
        static(bundles.manifest()["icons"]["file"]),
        name,
    )


@register.simple_tag
def seen(form: BaseForm) -> SafeString:
    """The hidden field by which two people who edit the same thing are told (pages.overtaken)."""
    return format_html(
        '<input type="hidden" name="{}" value="{}">', overtaken.FIELD, overtaken.seen(form)
    )


@register.simple_tag
def bundle(name: str) -> SafeString:
    """The elements that load a bundle: its style sheet, if it has one, and its module."""
    files = bundles.bundle(name)
    parts = []
    if "css" in files:
        parts.append(format_html('<link rel="stylesheet" href="{}">', static(files["css"])))
    if "js" in files:
        parts.append(format_html('<script type="module" src="{}"></script>', static(files["js"])))
    return SafeString("".join(parts))


@register.simple_tag
def bundle_style(name: str) -> SafeString:
    """The style sheet of a bundle alone."""
    return format_html('<link rel="stylesheet" href="{}">', static(bundles.bundle(name)["css"]))


@register.simple_tag
def bundle_blocking(name: str) -> SafeString:
    """A bundle that must run before the page is painted."""
    return format_html('<script src="{}"></script>', static(bundles.bundle(name)["js"]))


@register.simple_tag
def number(value: float | str | None) -> str:
    """A formatted number. A missing template variable arrives as "" and gives a dash."""
    return "–" if value is None or isinstance(value, str) else locales.number(value)


@register.simple_tag
def figure(value: int | None) -> SafeString:
    """An attribute for a link around a number, with the number in machine-readable form. The linked
    page gives the same number in its `total`; a test follows every such link (tests/figures)."""
    return format_html('data-figure="{}"', str(value or 0))


@register.simple_tag
def total(page: tables.Page[Any]) -> SafeString:
    """An attribute for the element around a table, with the machine-readable number of rows."""
    return format_html('data-total="{}"', str(page.total[0]))


@register.simple_tag
def compact(value: float | str | None) -> str:
    return "–" if value is None or isinstance(value, str) else locales.compact(value)


@register.simple_tag
def percent(part: float | None, whole: float | None) -> str:
    return locales.percent(part or 0, whole or 0)


@register.simple_tag
def when(value: datetime | None, how: str = "relative") -> SafeString | str:
    """A time: relative, with date, time and zone on hover; `how="absolute"` swaps the two."""
    if value is None:
        return "–"
    shown, hover = locales.relative(value), locales.absolute(value)
    if how == "absolute":
        shown, hover = hover, shown
    return format_html('<time datetime="{}" title="{}">{}</time>', value.isoformat(), hover, shown)


@register.simple_tag
def gap() -> str:
    """The blank between two sentences of a template; "" in Chinese."""
    return "" if locales.current().language == "zh" else " "


@register.filter
def clock(value: datetime) -> str:
    """Hours and minutes of today."""
    return locales.clock(value)


@register.simple_tag
def status(code: str, label: str = "", css: str = "") -> SafeString:
    """A state as colour, icon and word. Codes are in pages.statuses; `label` replaces the word."""
    look = statuses.look(code)
    return format_html(
        '<span class="state tone-{} {}">{}<span>{}</span></span>',
        look.role,
        css,
        icon(look.icon),
        label or look.label,
    )


def _css_of(widget: Widget, *, invalid: bool) -> str:
    if isinstance(widget, CheckboxSelectMultiple | RadioSelect):
        css = ""
    elif isinstance(widget, CheckboxInput):
        css = "form-check-input"
    elif isinstance(widget, Select):
        css = "form-select"
    else:
        css = "form-control"
    return f"{css} is-invalid" if invalid else css


def _described_by(field: BoundField) -> str:
    """The ids of the field's errors and help, for `aria-describedby`; "" where it has neither."""
    ids = {f"{field.auto_id}_error": field.errors, f"{field.auto_id}_help": field.help_text}
    return " ".join(name for name, shown in ids.items() if shown)


@register.simple_tag
def form_control(field: BoundField, **attributes: Any) -> SafeString:
    """The control alone, with the classes and ARIA attributes of `form_field`. With
    `autofocus_unless=thing` it gets the focus if `thing` is empty: the form creates a new
    object."""
    widget = field.field.widget
    given = f"{widget.attrs.get('class', '')} {attributes.pop('class', '')}"
    css = " ".join(f"{given} {_css_of(widget, invalid=bool(field.errors))}".split())
    described = _described_by(field)
    if not attributes.pop("autofocus_unless", True):
        attributes["autofocus"] = True
    attrs: dict[str, Any] = {name.replace("_", "-"): value for name, value in attributes.items()}
    if css:
        attrs["class"] = css
    if described:
        attrs["aria-describedby"] = described
    if field.errors:
        attrs["aria-invalid"] = "true"
    return field.as_widget(attrs=attrs)


@dataclass(frozen=True, slots=True)
class FormProblem:
    """A line of the summary above a form."""

    # The HTML name of the field; "" for a problem of the whole form.
    name: str
    # The id of the control that the line links to.
    target: str
    label: str
    text: str


def _problems(form: BaseForm) -> Iterator[FormProblem]:
    for field in form:
        target = "" if field.is_hidden else field.id_for_label or f"{field.auto_id}_0"
        for error in field.errors:
            yield FormProblem(field.html_name, target, str(field.label), str(error))


@register.simple_tag
def problems_of(form: BaseForm) -> list[FormProblem]:
    """All errors of a form: first those with a field."""
    whole = [FormProblem("", "", "", str(error)) for error in form.non_field_errors()]
    return [*_problems(form), *whole]


@register.simple_tag
def form_field(field: BoundField, **attributes: Any) -> SafeString:
    """Label, control, help and errors of one field; further arguments become attributes of the
    control (`hx_get=...`: underscores become dashes; `label="..."` replaces the label)."""
    widget = field.field.widget
    many = isinstance(widget, CheckboxSelectMultiple | RadioSelect)
    context = {
        "field": field,
        "label": attributes.pop("label", field.label),
        "optional": attributes.pop("optional", not field.field.required),
        "hide_label": attributes.pop("hide_label", False),
        "wrap_css": attributes.pop("wrap_css", ""),
        "is_check": isinstance(widget, CheckboxInput),
        "is_group": many and isinstance(widget, ChoiceWidget),
        "described": _described_by(field),
        "control": "" if field.is_hidden else form_control(field, **attributes),
    }
    if field.is_hidden:
        return SafeString(field.as_hidden())
    return render_to_string("parts/field.html", context)


@register.simple_tag
def attrs(**values: Any) -> SafeString:
    """HTML attributes of those values that aren't None or False."""
    return format_html_join(
        "",
        ' {}="{}"',
        (
            (name.replace("_", "-"), "" if value is True else value)
            for name, value in values.items()
            if value is not None and value is not False
        ),
    )


@register.simple_tag(takes_context=True)
def block_again(context: template.Context, name: str) -> SafeString:
    """Repeats a block of the page, for example the title as the heading."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks else None
    return SafeString(block.render(context).strip() if block else "")


@register.simple_block_tag(name="stripped")
def strip(content: str) -> SafeString:
    """Strips blanks and line breaks, so that an element without content is `:empty` in CSS."""
    return SafeString(content.strip())


@register.inclusion_tag("parts/crumbs.html", takes_context=True)
def crumbs(context: template.Context, up: str, label: str, **names: Any) -> dict[str, Any]:
    """The breadcrumbs. `up`: URL name of a page of the workspace, with the text `label`. `inner`:
    URL name of a page between, with `pk` and the text `name`. `here`: the name of this page.
    `mirror`: the id of the control whose value `here` repeats."""
    slug = context["workspace"].slug
    shown = {key: names.get(key) for key in ("name", "here", "mirror")}
    inner = names.get("inner")
    arguments = [slug, names["pk"]] if "pk" in names else [slug]
    return {
        "up_url": reverse(up, args=[slug]),
        "label": label,
        "inner_url": reverse(inner, args=arguments) if inner else "",
        **shown,
    }


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """This page's URL with changed GET parameters; None or "" removes a parameter. Paging starts
    over."""
    parameters = context["request"].GET.copy()
    for name in ("after", "before"):
        parameters.pop(name, None)
    for name, value in changes.items():
        parameters.pop(name, None)
        if value not in {None, ""}:
            parameters[name] = str(value)
    return f"?{parameters.urlencode()}"


@register.simple_tag
def sort_of(page: tables.Page[Any], name: str) -> tables.SortLink:
    return page.sort_link(name)


@register.simple_tag
def undo_url(message: Message) -> str:
    return toasts.undo_of(message.extra_tags)
