"""The form for a bounce mailbox."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from bounces.models import BounceMailbox
from pages import reasons
from pages.singleline import SingleLine
from relays.models import Security
from smtp import hosts

# A stored password is used only with the server and user that it was entered for.
PLACE = ("host", "port", "security", "username")


class MailboxForm(forms.Form):
    name = SingleLine(label=_("Name"), max_length=100)
    host = SingleLine(
        label=_("Server"),
        max_length=253,
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("Its IMAP server, such as imap.example.com."),
    )
    port = forms.IntegerField(label=_("Port"), min_value=1, max_value=65535)
    security = forms.ChoiceField(label=_("Encryption"), choices=Security.choices)
    username = SingleLine(
        label=_("User"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Usually the whole address."),
    )
    password = forms.CharField(
        label=_("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    folder = SingleLine(
        label=_("Folder"),
        max_length=100,
        help_text=_("Where bounces arrive; INBOX is the usual one."),
    )
    after = forms.ChoiceField(
        label=_("Bounces that were read"),
        choices=BounceMailbox.After.choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        help_text=_("Only mail about your own messages. Everything else stays as it is, unread."),
    )
    move_to = SingleLine(
        label=_("Folder to move to"),
        max_length=100,
        required=False,
        help_text=_("It is created if it doesn't exist."),
    )
    active = forms.BooleanField(label=_("Collect it every minute"), required=False)

    def __init__(
        self,
        *args: Any,
        workspace: Workspace,
        mailbox: BounceMailbox | None = None,
        **options: Any,
    ) -> None:
        names = [name for name in self.base_fields if name != "password"]
        if mailbox:
            options["initial"] = {name: getattr(mailbox, name) for name in names}
        else:
            plain = BounceMailbox()
            given = {name: getattr(plain, name) for name in names}
            options["initial"] = given | options.get("initial", {})
        super().__init__(*args, **options)
        self.workspace = workspace
        self.mailbox = mailbox
        if mailbox and mailbox.password:
            self.fields["password"].help_text = _("Leave it empty to keep the one that is stored.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = BounceMailbox.objects.filter(workspace=self.workspace, name=name)
        if self.mailbox:
            others = others.exclude(pk=self.mailbox.pk)
        if others.exists():
            raise forms.ValidationError(_("There is a mailbox with this name already."))
        return name

    def clean_host(self) -> str:
        return str(self.cleaned_data["host"]).lower().rstrip(".")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check_host(cleaned)
        self._check_password(cleaned)
        if cleaned.get("after") == BounceMailbox.After.MOVE:
            target = cleaned.get("move_to", "").strip()
            if not target:
                self.add_error("move_to", _("Enter the folder that bounces are moved to."))
            elif target.lower() == str(cleaned.get("folder", "")).lower():
                self.add_error("move_to", _("Choose another folder than the one that is read."))
        return cleaned

    def _check_host(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("host") and cleaned.get("port"):
            try:
                hosts.check(cleaned["host"], cleaned["port"])
            except hosts.HostError as error:
                self.add_error("host", reasons.said(str(error)))

    def _check_password(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("password"):
            return
        stored = self.mailbox if self.mailbox and self.mailbox.password else None
        if stored is None:
            self.add_error("password", _("Enter the password."))
        elif any(name in cleaned and cleaned[name] != getattr(stored, name) for name in PLACE):
            self.add_error(
                "password",
                _("Enter the password again: it was stored for another server or user."),
            )
