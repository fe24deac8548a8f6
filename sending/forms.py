"""A server's reply as people paste it."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from smtp.replies import Stage, read

STAGES = (
    ("", gettext_lazy("I don't know")),
    (Stage.CONNECT.value, gettext_lazy("To the connection or to EHLO")),
    (Stage.AUTH.value, gettext_lazy("To the login (AUTH)")),
    (Stage.MAIL.value, gettext_lazy("To the sender (MAIL FROM)")),
    (Stage.RCPT.value, gettext_lazy("To the recipient (RCPT TO)")),
    (Stage.DATA.value, gettext_lazy("Before the content (DATA)")),
    (Stage.CONTENT.value, gettext_lazy("After the content")),
)


class ReplyForm(forms.Form):
    """When valid, `code`, `words` and cleaned `stage` are the arguments of
    `smtp.replies.classify`."""

    reply = forms.CharField(
        label=gettext_lazy("What the server said"),
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "class": "font-monospace"}),
        help_text=gettext_lazy("One line or several, also copied from a log or a bounce."),
    )
    stage = forms.ChoiceField(
        label=gettext_lazy("What it answered to"),
        choices=STAGES,
        required=False,
        help_text=gettext_lazy("Used only if the words of the reply don't decide."),
    )

    code = 0
    words = ""
    # The stage that the reply itself names.
    named = Stage.UNKNOWN

    def clean_reply(self) -> str:
        text: str = self.cleaned_data["reply"]
        found = read(text)
        if found.code // 100 not in {2, 4, 5}:
            raise forms.ValidationError(
                _("No reply code is in it. Put it first, such as 550 or 451.")
            )
        self.code, self.words, self.named = found.code, found.words, found.stage
        return text

    def clean(self) -> dict[str, Any] | None:
        """The stage that the reply names counts if none was chosen."""
        cleaned = super().clean() or {}
        cleaned["stage"] = Stage(cleaned.get("stage") or self.named)
        return cleaned
