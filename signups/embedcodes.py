"""The codes that people put into their own pages: a script, or plain HTML that needs none."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from pages import publicwords
from pages.readers import PARAMETER
from signups.models import SignupForm
from signups.publicfields import words
from signups.publicform import HONEYPOT, PublicForm, PublicTexts

# Also for pages that have no style sheet for it.
UNSEEN = "position:absolute;clip-path:inset(50%);height:1px;width:1px;overflow:hidden"


def page_url(form: SignupForm) -> str:
    return f"{settings.PUBLIC_URL}{reverse('signup', kwargs={'key': form.key})}"


def script(form: SignupForm) -> str:
    path = reverse("signup_script", kwargs={"key": form.key})
    return format_html('<script src="{}{}" async></script>', settings.PUBLIC_URL, path)


def plain(form: SignupForm, shown: PublicForm, texts: PublicTexts) -> str:
    """In one language, that of `texts`."""
    controls = [_control(shown, name, texts.reader) for name in shown.fields]
    trap = format_html(
        '  <div style="{}" aria-hidden="true"><label>{} <input name="{}" tabindex="-1"'
        ' autocomplete="off"></label></div>',
        UNSEEN,
        words(texts.reader, "leave_empty"),
        HONEYPOT,
    )
    return format_html(
        '<form action="{}?{}={}" method="post" lang="{}" dir="{}">\n{}\n{}\n'
        '  <p><button type="submit"><bdi>{}</bdi></button></p>\n</form>\n',
        page_url(form),
        PARAMETER,
        texts.reader,
        texts.reader,
        publicwords.direction(texts.reader),
        SafeString("\n".join(controls)),
        trap,
        texts.button,
    )


def _control(shown: PublicForm, name: str, reader: str) -> SafeString:
    one = shown.describe(name)
    required = SafeString(" required") if one["required"] else ""
    if one["kind"] == "check":
        return format_html(
            '  <p><label><input type="checkbox" name="{}" value="on"{}>'
            " <bdi>{}</bdi></label>{}</p>",
            name,
            required,
            one["label"],
            _help(one["help"]),
        )
    note = "" if one["required"] else f" ({words(reader, 'optional')})"
    label = format_html("<bdi>{}</bdi>{}", one["label"], note)
    if (controls := _several(one, required)) is not None:
        return format_html(
            "  <fieldset><legend>{}</legend>{}{}</fieldset>", label, controls, _help(one["help"])
        )
    if one["kind"] == "choice":
        control = _select(name, required, one["choices"])
    else:
        control = format_html(
            '<input type="{}" name="{}" maxlength="{}"{}{}>',
            one["kind"],
            name,
            one["longest"],
            _attributes(one, "autocomplete", "inputmode", "dir"),
            required,
        )
    return format_html("  <p><label>{}<br>{}</label>{}</p>", label, control, _help(one["help"]))


def _several(one: dict[str, Any], required: str) -> SafeString | None:
    """The controls of a field that has more than one; None: it has one. No attribute says that at
    least one box must be ticked: our page says it."""
    if one["kind"] == "choices":
        boxes = ((one["name"], value, text) for value, text in one["choices"])
        return format_html_join(
            "<br>",
            '<label><input type="checkbox" name="{}" value="{}"> <bdi>{}</bdi></label>',
            boxes,
        )
    if one["kind"] == "day":
        selects = (
            (_select(f"{one['name']}{end}", required, choices, label),)
            for end, label, choices in one["parts"]
        )
        return format_html_join(" ", "{}", selects)
    return None


def _select(name: str, required: str, choices: Iterable[Any], label: str = "") -> SafeString:
    options = format_html_join("", '<option value="{}">{}</option>', choices)
    named = format_html(' aria-label="{}"', label) if label else ""
    return format_html('<select name="{}"{}{}>{}</select>', name, named, required, options)


def _attributes(one: dict[str, Any], *names: str) -> SafeString:
    return format_html_join("", ' {}="{}"', ((name, one[name]) for name in names if one[name]))


def _help(text: str) -> SafeString:
    return format_html("<br><small><bdi>{}</bdi></small>", text) if text else SafeString("")
