"""The codes that people put into their own pages: a script, or plain HTML that needs none."""

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from pages import publicwords
from pages.readers import PARAMETER
from signups.models import SignupForm
from signups.publicform import HONEYPOT, PublicForm, PublicTexts, words

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
        '  <p><button type="submit">{}</button></p>\n</form>\n',
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
            '  <p><label><input type="checkbox" name="{}" value="on"{}> {}</label>{}</p>',
            name,
            required,
            one["label"],
            _help(one["help"]),
        )
    note = "" if one["required"] else f" ({words(reader, 'optional')})"
    if one["kind"] == "choice":
        options = format_html_join("", '<option value="{}">{}</option>', one["choices"])
        control = format_html('<select name="{}"{}>{}</select>', name, required, options)
    else:
        complete = one["autocomplete"]
        control = format_html(
            '<input type="{}" name="{}" maxlength="{}"{}{}>',
            one["kind"],
            name,
            one["longest"],
            format_html(' autocomplete="{}"', complete) if complete else "",
            required,
        )
    return format_html(
        "  <p><label>{}{}<br>{}</label>{}</p>", one["label"], note, control, _help(one["help"])
    )


def _help(text: str) -> SafeString:
    return format_html("<br><small>{}</small>", text) if text else SafeString("")
