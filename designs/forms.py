"""Forms of designs."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from designs import starters
from designs.rendering import LONGEST_SOURCE
from designs.services import Draft, as_typed
from pages.singleline import SingleLine

MOST_BYTES = 2_000_000
# Encodings to try for uploaded files, in this order.
ENCODINGS = ("utf-8-sig", "gb18030", "cp1252")


class SourceField(forms.CharField):
    """HTML or plain text. Nothing is stripped; a NUL, which can't be stored, gives an error."""

    widget = forms.Textarea

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, strip=False, max_length=LONGEST_SOURCE, **options)
        # `clean` refuses NUL instead, and names the line.
        self.validators = [
            v for v in self.validators if type(v).__name__ != "ProhibitNullCharactersValidator"
        ]
        self.error_messages["max_length"] = _(
            "This is longer than %(limit_value)d characters; mails that long are never read."
        )

    def clean(self, value: Any) -> str:
        text = super().clean(value) or ""
        if "\x00" in text:
            line = text.count("\n", 0, text.index("\x00")) + 1
            raise ValidationError(
                _("Line %(line)d contains a NUL character; remove it."), params={"line": line}
            )
        return str(text)


class DesignForm(forms.Form):
    """The editor. `version`: the version that was opened."""

    name = SingleLine(
        label=_("Name"),
        max_length=150,
        help_text=_("For you and your colleagues; recipients don't see it."),
        error_messages={"required": _("Give the design a name.")},
    )
    subject = SingleLine(label=_("Subject"), max_length=500, required=False)
    preheader = SingleLine(
        label=_("Preview text"),
        max_length=500,
        required=False,
        help_text=_("Inboxes show it after the subject."),
    )
    html = SourceField(label=_("HTML"))
    text = SourceField(label=_("Plain text"))
    version = forms.IntegerField(min_value=1, max_value=2_000_000_000)

    def draft(self, old: Draft) -> Draft:
        """The typed draft, with the line ends of `old`."""
        data = self.cleaned_data
        return Draft(
            name=data["name"],
            subject=data["subject"],
            preheader=data["preheader"],
            html=as_typed(old.html, data["html"]),
            text=as_typed(old.text, data["text"]),
        )


class StarterForm(forms.Form):
    """A starter design of the gallery."""

    starter = SingleLine(max_length=50)
    language = forms.ChoiceField(choices=[(code, code) for code in starters.LANGUAGES])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        cleaned["chosen"] = starters.get(cleaned.get("starter", ""), cleaned.get("language", ""))
        if cleaned["chosen"] is None:
            raise ValidationError(_("There is no such starter design."))
        return cleaned


class PasteForm(forms.Form):
    """HTML that was made elsewhere: pasted, or a file."""

    name = SingleLine(
        label=_("Name"), max_length=150, error_messages={"required": _("Give the design a name.")}
    )
    html = SourceField(
        label=_("HTML"),
        widget=forms.Textarea(attrs={"rows": 10, "spellcheck": "false", "class": "code-area"}),
    )
    file = forms.FileField(
        label=_("Or an HTML file"),
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ".html,.htm,text/html"}),
    )

    def clean_file(self) -> str:
        """The file's text, with unchanged line ends."""
        file = self.cleaned_data["file"]
        if not file:
            return ""
        if file.size > MOST_BYTES:
            raise ValidationError(_("The file has more than 2 MB; mails that long are never read."))
        raw = file.read()
        if b"\x00" in raw:
            raise ValidationError(_("This is not an HTML file: it contains NUL characters."))
        text = _decoded(raw)
        if len(text) > LONGEST_SOURCE:
            raise ValidationError(
                _("The file is longer than %(count)d characters; mails that long are never read."),
                params={"count": LONGEST_SOURCE},
            )
        return text

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned["file"] and not cleaned["html"].strip():
            self.add_error("html", _("Paste the HTML here, or choose a file."))
        return cleaned

    def source(self) -> str:
        return self.cleaned_data["file"] or as_typed("", self.cleaned_data["html"])


def _decoded(raw: bytes) -> str:
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
