"""Forms of suppressions."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts import addresses, patterns
from contacts.services.suppressionfiles import end_of_day
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import MOST_LINES, PATTERN, Entry, entry_of
from contacts.suppressionmodels import Suppression
from pages.singleline import SingleLine

Reason = Suppression.Reason
# Reasons that a person may give. What comes from a file or an erasure says so itself.
BY_HAND = (
    Reason.MANUAL,
    Reason.UNSUBSCRIBED,
    Reason.COMPLAINED,
    Reason.HARD_BOUNCED,
    Reason.SOFT_BOUNCED,
)
# Wrong lines that are named, and patterns that one form may have: each is compared with all
# contacts.
MOST_WRONG, MOST_PATTERNS = 20, 20


def _until_field(help_text: Any) -> forms.DateField:
    return forms.DateField(
        label=_("Until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=help_text,
    )


def _future(day: dt.date | None) -> dt.datetime | None:
    """The end of the day. Raises ValidationError."""
    if day is None:
        return None
    if day < timezone.localdate():
        raise ValidationError(
            _("This day is over. Choose today or a later day, or leave it empty.")
        )
    return end_of_day(day.isoformat())


class SuppressionsForm(forms.Form):
    """Addresses, domains and patterns, typed or pasted."""

    lines = forms.CharField(
        label=_("Addresses, domains and patterns"),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text=_(
            "One per line. A line without @ is a domain: nobody there gets mail. With * it is a "
            "pattern: noreply*@* or *@*.example.com."
        ),
    )
    reason = forms.ChoiceField(
        label=_("Reason"), choices=[(one.value, one.label) for one in BY_HAND], required=False
    )
    until = _until_field(
        _(
            "After this day, mail goes there again. Empty: it never ends by itself, but soft "
            "bounces end after 90 days."
        )
    )
    detail = SingleLine(
        label=_("Explanation"),
        max_length=500,
        required=False,
        help_text=_("Shown with the suppression, for colleagues."),
    )

    def clean_lines(self) -> list[Entry]:
        found: dict[Entry, None] = {}
        wrong: list[str] = []
        lines = self.cleaned_data["lines"].splitlines()
        if len(lines) > MOST_LINES:
            raise ValidationError(
                _("These are more than 20,000 lines. Add them in several parts, or as a file.")
            )
        for number, line in enumerate(lines, 1):
            text = line.strip(" \t,;")
            if not text:
                continue
            try:
                found[entry_of(text)] = None
            except (addresses.AddressError, patterns.PatternError) as error:
                wrong.append(
                    gettext("Line {number}: “{text}”. {reason}").format(
                        number=number, text=text[:80], reason=error
                    )
                )
            if len(wrong) >= MOST_WRONG:
                break
        if wrong:
            raise ValidationError(cast("Any", wrong))
        if sum(one.kind == PATTERN for one in found) > MOST_PATTERNS:
            raise ValidationError(_("Add 20 patterns at most at once."))
        return list(found)

    def clean_reason(self) -> str:
        return self.cleaned_data["reason"] or Reason.MANUAL

    def clean_until(self) -> dt.datetime | None:
        return _future(self.cleaned_data["until"])

    @property
    def patterns(self) -> list[Entry]:
        return [one for one in self.cleaned_data["lines"] if one.kind == PATTERN]

    @property
    def wanted(self) -> list[Wanted]:
        given = self.cleaned_data
        return [Wanted(one, given["reason"], given["until"]) for one in given["lines"]]


class SuppressionForm(forms.Form):
    """What can be changed about one suppression."""

    note = forms.CharField(
        label=_("Note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("For colleagues. Nobody else sees it."),
    )
    until = _until_field(
        _("After this day, mail goes there again. Empty: it never ends by itself.")
    )

    def __init__(self, *args: Any, one: Suppression, **kwargs: Any) -> None:
        ends = timezone.localtime(one.until).date() if one.until else None
        super().__init__(*args, **{"initial": {"note": one.note, "until": ends}} | kwargs)
        self.one, self.ends = one, ends

    def clean_until(self) -> dt.datetime | None:
        """A day that has passed may stay as it is."""
        day = self.cleaned_data["until"]
        return self.one.until if day == self.ends else _future(day)


class SuppressionFileForm(forms.Form):
    """A file, or its pasted content."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
        help_text=_(
            "CSV or one value per line, up to 2 MB. Columns that are understood: address or "
            "domain, reason, until, note."
        ),
    )
    pasted = forms.CharField(
        label=_("Or paste it"),
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and not cleaned.get("file") and not cleaned.get("pasted", "").strip():
            self.add_error("file", _("Choose a file, or paste its lines."))
        return cleaned
