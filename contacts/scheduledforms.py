"""The form of an import from an address."""

from datetime import time
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from contacts import fetchreasons, fileaddresses, privatekeys
from contacts.scheduledmodels import ScheduledImport
from contacts.services import scheduledaddresses, scheduledimports
from pages.singleline import SingleLine
from smtp import hosts

Login = ScheduledImport.Login
WEEKDAYS = (
    (0, _("Monday")),
    (1, _("Tuesday")),
    (2, _("Wednesday")),
    (3, _("Thursday")),
    (4, _("Friday")),
    (5, _("Saturday")),
    (6, _("Sunday")),
)
LOGINS = {
    fileaddresses.HTTPS: {Login.NONE, Login.PASSWORD, Login.TOKEN},
    fileaddresses.SFTP: {Login.PASSWORD, Login.KEY},
}
WRONG_LOGIN = {
    fileaddresses.HTTPS: _("A private key is for sftp:// only. Choose another log-in."),
    fileaddresses.SFTP: _("SFTP needs a user, with a password or a private key."),
}
PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}


class SecretArea(forms.Textarea):
    """Like a password field: what was typed is not sent back, and no draft keeps it."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        value = None
        return super().get_context(name, value, attrs)


class ScheduledImportForm(forms.Form):
    name = SingleLine(label=_("Name"), max_length=100)
    url = forms.CharField(
        label=_("Address of the file"),
        max_length=fileaddresses.LONGEST,
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url"}),
        help_text=_(
            "Such as https://shop.example.com/export/contacts.csv, or sftp://files.example.com/out/"
            "contacts.csv."
        ),
    )
    login = forms.ChoiceField(label=_("Log-in"), choices=Login.choices)
    username = SingleLine(
        label=_("User"), max_length=200, required=False, widget=forms.TextInput(attrs=PLAIN)
    )
    secret = forms.CharField(
        label=_("Password or token"),
        required=False,
        max_length=4000,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("It is stored encrypted and never shown again."),
    )
    key = forms.CharField(
        label=_("Private key"),
        required=False,
        max_length=10_000,
        widget=SecretArea(attrs={**PLAIN, "rows": 5, "data-secret": True}),
        help_text=_("In the form of OpenSSH or PEM, without a passphrase. It is stored encrypted."),
    )
    every = forms.ChoiceField(
        label=_("How often it is fetched"), choices=ScheduledImport.Every.choices
    )
    at = forms.TimeField(
        label=_("Time"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        required=False,
    )
    weekday = forms.TypedChoiceField(
        label=_("Day of the week"), choices=WEEKDAYS, coerce=int, required=False
    )

    def __init__(
        self,
        *args: Any,
        workspace: Workspace,
        schedule: ScheduledImport | None = None,
        **options: Any,
    ) -> None:
        names = [name for name in self.base_fields if name not in {"secret", "key"}]
        plain = schedule or ScheduledImport(every=ScheduledImport.Every.DAY, at=time(5))
        shown = scheduledaddresses.shown(plain)
        options["initial"] = {name: getattr(plain, name) for name in names} | {"url": shown}
        super().__init__(*args, **options)
        self.workspace = workspace
        self.schedule = schedule
        text = _("In the time zone of the workspace, {zone}. Each hour: the minute counts.")
        self.fields["at"].help_text = text.format(zone=workspace.timezone)
        if plain.query:
            self.fields["url"].help_text = _(
                "What follows the “?” is stored encrypted and not shown. It stays as long as you "
                "leave the address as it is."
            )
        if schedule and schedule.secret:
            field = "key" if schedule.login == Login.KEY else "secret"
            self.fields[field].help_text = _("Leave it empty to keep the one that is stored.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = scheduledimports.of_workspace(self.workspace).filter(name=name)
        if self.schedule:
            others = others.exclude(pk=self.schedule.pk)
        if others.exists():
            raise forms.ValidationError(_("There is an import from an address with this name."))
        return name

    def clean_url(self) -> str:
        """With its query, or as it is shown if it was not changed."""
        typed: str = self.cleaned_data["url"].strip()
        kept = bool(self.schedule) and typed == self.initial["url"]
        if typed.endswith(fileaddresses.HIDDEN_QUERY) and not kept:
            raise forms.ValidationError(fetchreasons.sentence("query"))
        try:
            address = fileaddresses.parse(typed)
        except fileaddresses.FileAddressError as error:
            raise forms.ValidationError(fetchreasons.sentence(error.code)) from error
        try:
            hosts.resolve(address.host, address.port, networks=settings.FETCH_NETWORKS)
        except hosts.UnknownHostError as error:
            raise forms.ValidationError(fetchreasons.sentence("unknown_host")) from error
        except hosts.HostError as error:
            raise forms.ValidationError(fetchreasons.sentence("forbidden_host")) from error
        return typed if kept else address.text

    def clean_weekday(self) -> int:
        return self.cleaned_data["weekday"] or 0

    def clean_at(self) -> time:
        return self.cleaned_data["at"] or time(0)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.schedule is None:
            count = scheduledimports.of_workspace(self.workspace).count()
            if count >= scheduledimports.MOST:
                text = _(
                    "The workspace has {count} of them, and can't have more. Delete one first."
                )
                raise forms.ValidationError(text.format(count=count))
        self._check_login(cleaned)
        cleaned.pop("key", None)
        return cleaned

    def _check_login(self, cleaned: dict[str, Any]) -> None:
        """Leaves the secret of any kind in `secret`."""
        login = cleaned.get("login")
        address = _parsed(cleaned)
        if address and login not in LOGINS[address.scheme]:
            self.add_error("login", WRONG_LOGIN[address.scheme])
            return
        if login not in {Login.PASSWORD, Login.KEY}:
            cleaned["username"] = ""
        elif not cleaned.get("username"):
            self.add_error("username", _("Enter the user."))
        if login == Login.NONE:
            cleaned["secret"] = ""
        elif login == Login.KEY:
            cleaned["secret"] = cleaned.get("key", "")
            if cleaned["secret"]:
                self._check_key(cleaned["secret"])
            else:
                self._check_stored(cleaned, "key")
        elif cleaned.get("secret"):
            self._check_secret(cleaned["secret"], token=login == Login.TOKEN)
        else:
            self._check_stored(cleaned, "secret")

    def _check_key(self, text: str) -> None:
        if code := privatekeys.wrong(text):
            self.add_error("key", fetchreasons.sentence(code))

    def _check_secret(self, secret: str, *, token: bool) -> None:
        if not secret.isprintable():
            self.add_error("secret", _("It has a line break or a control character in it."))
        elif token and not (secret.isascii() and " " not in secret):
            self.add_error("secret", _("A token has only Latin letters, digits and signs."))

    def _check_stored(self, cleaned: dict[str, Any], field: str) -> None:
        """A stored secret is used only for the server and user that it was entered for: otherwise
        somebody could have it sent to a server of their own."""
        stored = self.schedule if self.schedule and self.schedule.secret else None
        if stored is None:
            missing = {
                "secret": _("Enter the password or the token."),
                "key": _("Paste the private key."),
            }
            self.add_error(field, missing[field])
        elif _place(cleaned) != _place(vars(stored)):
            self.add_error(
                field, _("Enter it again: it was stored for another server, user or log-in.")
            )

    @property
    def is_moved(self) -> bool:
        """Whether a valid form names another server than the stored one."""
        before = _parsed(vars(self.schedule)) if self.schedule else None
        now = _parsed(self.cleaned_data)
        return before is None or now is None or before.place != now.place


def _parsed(values: dict[str, Any]) -> fileaddresses.FileAddress | None:
    """None: the field has an error already."""
    try:
        return fileaddresses.parse(values.get("url", ""))
    except fileaddresses.FileAddressError:
        return None


def _place(values: dict[str, Any]) -> tuple[object, ...]:
    address = _parsed(values)
    return address and address.place, values.get("login"), values.get("username")
