"""Relays as they are typed: from a preset or by hand; a stored password is never shown again."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import addresses
from sending import hosts
from sending.models import Relay, Security
from sending.presets import Preset

KEEP, REPLACE, REMOVE = "keep", "replace", "remove"
# What a password was given for: elsewhere it must be given again.
PLACE = ("host", "port", "username")
LIMITS = (
    "per_second",
    "per_hour",
    "per_day",
    "connections",
    "messages_per_connection",
)


class LimitsForm(forms.Form):
    """How much a relay may be given: all that can be changed of the sandbox."""

    per_second = forms.DecimalField(
        label=gettext_lazy("A second"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=9,
        decimal_places=2,
    )
    per_hour = forms.IntegerField(
        label=gettext_lazy("An hour"), required=False, min_value=1, max_value=2**31 - 1
    )
    per_day = forms.IntegerField(
        label=gettext_lazy("A day"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text=gettext_lazy("From midnight to midnight, UTC."),
    )
    connections = forms.IntegerField(
        label=gettext_lazy("Connections at a time"), min_value=1, max_value=100, initial=4
    )
    messages_per_connection = forms.IntegerField(
        label=gettext_lazy("Messages on one connection"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
    )

    def values(self) -> dict[str, Any]:
        """For the service."""
        return {name: self.cleaned_data[name] for name in LIMITS}


# What a provider takes nothing without.
NEEDED = {
    "username": gettext_lazy("Enter the user that the provider gave you."),
    "password": gettext_lazy("Enter the password that goes with the user."),
}


class RelayForm(LimitsForm):
    """A new relay, or (`relay` given) that one."""

    field_order = ("name", "host", "port", "security", "username", "password_choice", "password")

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What you and your colleagues call it."),
    )
    host = forms.CharField(
        label=gettext_lazy("Server"),
        max_length=253,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    port = forms.IntegerField(label=gettext_lazy("Port"), min_value=1, max_value=65535)
    security = forms.ChoiceField(
        label=gettext_lazy("Encryption"),
        choices=Security.choices,
        help_text=gettext_lazy("Usually STARTTLS with port 587 and TLS with port 465."),
    )
    username = forms.CharField(
        label=gettext_lazy("User"),
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    password_choice = forms.ChoiceField(
        label=gettext_lazy("Password"),
        required=False,
        choices=[
            (KEEP, gettext_lazy("Keep the stored one")),
            (REPLACE, gettext_lazy("Replace it")),
            (REMOVE, gettext_lazy("Remove it")),
        ],
        widget=forms.RadioSelect,
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        max_length=500,
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy("Stored encrypted and never shown again."),
    )
    envelope = forms.ChoiceField(
        label=gettext_lazy("Bounces come back to"), choices=Relay.Envelope.choices
    )
    bounce_address = forms.CharField(
        label=gettext_lazy("Bounce address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self,
        *args: Any,
        workspace: Workspace,
        relay: Relay | None = None,
        preset: Preset | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("initial", self._initial(relay, preset))
        super().__init__(*args, **kwargs)
        self.relay = relay
        self.preset = preset
        own = Relay.objects.filter(workspace=workspace)
        self._others = own.exclude(pk=relay.pk) if relay else own
        if relay is None or not relay.password:
            del self.fields["password_choice"]
        if preset and preset.wants_login and not relay:
            for name, sentence in NEEDED.items():
                self.fields[name].required = True
                self.fields[name].error_messages["required"] = sentence

    @staticmethod
    def _initial(relay: Relay | None, preset: Preset | None) -> dict[str, Any]:
        if relay:
            names = set(RelayForm.base_fields) - {"password", "password_choice"}
            return {name: getattr(relay, name) for name in names} | {"password_choice": KEEP}
        return {"name": preset.name} | preset.values() if preset else {"port": 587}

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        other = self._others.filter(name=name).first()
        if other and other.archived_at:
            raise ValidationError(_("A relay in the archive has this name. Choose another."))
        if other:
            raise ValidationError(_("There is a relay with this name already."))
        return name

    def clean_host(self) -> str:
        host = str(self.cleaned_data["host"]).strip().rstrip(".").lower()
        if any(sign in host for sign in "/@ \t") or host.count(":") == 1:
            raise ValidationError(_("Enter the server's name alone, such as smtp.example.com."))
        if "region" in host.split("."):
            raise ValidationError(_("Put your region in the place of REGION."))
        return host

    def clean_bounce_address(self) -> str:
        typed = self.cleaned_data["bounce_address"]
        try:
            return addresses.normalise(typed) if typed else ""
        except addresses.AddressError as error:
            raise ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self._check_host(cleaned)
        self._check_password(cleaned)
        needed = cleaned.get("envelope") != Relay.Envelope.FROM
        if needed and "bounce_address" in cleaned and not cleaned["bounce_address"]:
            self.add_error("bounce_address", _("Enter the address that bounces come back to."))
        if not needed:
            cleaned["bounce_address"] = ""
        return cleaned

    def _check_host(self, cleaned: dict[str, Any]) -> None:
        """A name that is unknown now may be known tomorrow; the test says so."""
        if not cleaned.get("host") or not cleaned.get("port"):
            return
        try:
            hosts.check(cleaned["host"], cleaned["port"])
        except hosts.UnknownHostError:
            pass
        except hosts.HostError as error:
            self.add_error("host", str(error))

    def _check_password(self, cleaned: dict[str, Any]) -> None:
        choice = self.choice
        if choice == REPLACE and not cleaned.get("password") and self.relay:
            self.add_error("password", _("Enter the new password."))
        moved = self.relay and any(
            name in cleaned and cleaned[name] != getattr(self.relay, name) for name in PLACE
        )
        # Or whoever may change a relay could have the password sent to a server of theirs.
        if choice == KEEP and moved:
            self.add_error(
                "password",
                _("Server, port or user is another now: enter the password for it again."),
            )
        if cleaned.get("password") and not cleaned.get("username"):
            self.add_error("username", _("Enter the user that the password belongs to."))

    @property
    def choice(self) -> str:
        """What becomes of the password; without a stored one it is always replaced."""
        if "password_choice" not in self.fields:
            return REPLACE
        # Whoever types one means it.
        if self.cleaned_data.get("password"):
            return REPLACE
        return str(self.cleaned_data.get("password_choice") or KEEP)

    def new_password(self) -> str | None:
        """For the service: None keeps the stored one."""
        if self.choice == KEEP:
            return None
        return str(self.cleaned_data["password"]) if self.choice == REPLACE else ""

    def values(self) -> dict[str, Any]:
        names = set(RelayForm.base_fields) - {"password", "password_choice"}
        return {name: self.cleaned_data[name] for name in names}


class TestForm(forms.Form):
    """Whom a test of a relay may write to."""

    __test__ = False  # no test of pytest's

    from_email = forms.CharField(
        label=gettext_lazy("Sender address"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    recipient = forms.CharField(
        label=gettext_lazy("To"),
        max_length=320,
        required=False,
        help_text=gettext_lazy("Empty: the test ends before a recipient is named."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    mail = forms.BooleanField(label=gettext_lazy("Send a real mail to it"), required=False)

    def clean_from_email(self) -> str:
        return _address(self.cleaned_data["from_email"])

    def clean_recipient(self) -> str:
        return _address(self.cleaned_data["recipient"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("mail") and not cleaned.get("recipient") and "recipient" in cleaned:
            self.add_error("recipient", _("Enter the address that the mail goes to."))
        return cleaned


def _address(typed: str) -> str:
    try:
        return addresses.normalise(typed) if typed else ""
    except addresses.AddressError as error:
        raise ValidationError(str(error)) from error
