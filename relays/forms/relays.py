"""The form of a relay, from a preset or by hand. A stored password is never shown again."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import addresses
from pages import locales, numbers, reasons
from pages.singleline import SingleLine
from relays import warmups
from relays.models import Relay, Security
from relays.providers import presets
from relays.providers.presets import Preset
from smtp import hosts

KEEP, REPLACE, REMOVE = "keep", "replace", "remove"
# A stored password holds for these values: if one changes, it must be entered again.
PLACE = ("host", "port", "username")
LIMITS = (
    "per_second",
    "per_minute",
    "per_hour",
    "per_day",
    "connections",
    "messages_per_connection",
)


class LimitsForm(forms.Form):
    """The limits of a relay; of a managed relay only these can be changed."""

    per_second = forms.DecimalField(
        label=gettext_lazy("A second"),
        required=False,
        min_value=Decimal("0.01"),
        max_digits=9,
        decimal_places=2,
    )
    per_minute = forms.IntegerField(
        label=gettext_lazy("A minute"), required=False, min_value=1, max_value=2**31 - 1
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
        label=gettext_lazy("Connections at a time"),
        required=False,
        min_value=1,
        max_value=100,
        help_text=gettext_lazy("Empty: how many are good is found automatically."),
    )
    messages_per_connection = forms.IntegerField(
        label=gettext_lazy("Messages on one connection"),
        required=False,
        min_value=1,
        max_value=2**31 - 1,
        help_text=gettext_lazy("Empty: any number."),
    )

    # {field of the folded part, for people who know the server: its usual value}
    usual: ClassVar[dict[str, Any]] = {"messages_per_connection": None}

    @property
    def advanced(self) -> dict[str, Any]:
        return self.usual

    @property
    def advanced_open(self) -> bool:
        """Whether the folded part is open: a field has an error or an unusual value."""
        return any(
            self[name].errors or str(self[name].value() or "") != str(usual or "")
            for name, usual in self.advanced.items()
        )

    def values(self) -> dict[str, Any]:
        """For the service."""
        return {name: self.cleaned_data[name] for name in LIMITS}


NO_PLAN, OWN_PLAN = "", "own"
BETWEEN = re.compile(r"[\s,;，；、]+")


def plan_choices() -> list[tuple[str, str]]:
    plans = [(plan.key, plan.name) for plan in warmups.plans().values()]
    return [(NO_PLAN, _("No warm-up")), *plans, (OWN_PLAN, _("Own numbers"))]


# Required fields of a relay whose preset needs a login.
NEEDED = {
    "username": gettext_lazy("Enter the user that the provider gave you."),
    "password": gettext_lazy("Enter the password that goes with the user."),
}


ADVANCED = ("envelope", "messages_per_connection", "chunking")
# Fields that are stored under the same name.
STORED = (
    *LIMITS,
    "name",
    "host",
    "port",
    "security",
    "username",
    "envelope",
    "bounce_address",
    "chunking",
    "warmup_began",
)


class RelayForm(LimitsForm):
    """Creates a relay, or changes `relay`."""

    field_order = ("name", "host", "port", "security", "username", "password_choice", "password")

    name = SingleLine(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("What you and your colleagues call it."),
    )
    host = SingleLine(
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
    username = SingleLine(
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
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
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
    bounce_address = SingleLine(
        label=gettext_lazy("Bounce address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    chunking = forms.BooleanField(
        label=gettext_lazy("Send mails in chunks (BDAT) where the server offers it"),
        required=False,
        help_text=gettext_lazy(
            "For a server whose operator asks for it, or that rewrites mails sent the usual way. "
            "With any other it is no faster: leave it off."
        ),
    )
    warmup_plan = forms.ChoiceField(
        label=gettext_lazy("Plan"),
        required=False,
        choices=plan_choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    warmup_days = SingleLine(
        label=gettext_lazy("Mails on each day"),
        required=False,
        max_length=5000,
        widget=forms.Textarea(attrs={"rows": 3, "inputmode": "numeric", "spellcheck": "false"}),
        help_text=gettext_lazy(
            "A number for each day, with spaces between them: 50 100 200 400. After the last day "
            "only the limits above hold."
        ),
    )
    warmup_began = forms.DateField(
        label=gettext_lazy("First day"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("A day of UTC. Empty: the day on which it first sends."),
    )

    untested = forms.BooleanField(
        label=gettext_lazy("Send through it although it has not passed a test as it is now"),
        required=False,
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
        # Whether the box about an untested server is shown.
        self.asks = False
        self.preset = preset or (presets.get(relay.preset) if relay else None)
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
            typed = {name: getattr(relay, name) for name in STORED}
            return typed | _typed_plan(relay.warmup) | {"password_choice": KEEP}
        filled = {"name": preset.name} | preset.values() if preset else {"port": 587}
        return filled | {"warmup_plan": NO_PLAN}

    @property
    def advanced(self) -> dict[str, Any]:
        usual = self.preset.values() if self.preset else {"envelope": Relay.Envelope.VERP}
        return {name: usual.get(name) for name in ADVANCED}

    @property
    def plans(self) -> list[warmups.Plan]:
        """The warm-up plans that are shown with their days."""
        return list(warmups.plans().values())

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

    def clean_warmup_days(self) -> list[int]:
        parts = [part for part in BETWEEN.split(self.cleaned_data["warmup_days"]) if part]
        if len(parts) > warmups.MOST_DAYS:
            text = _("At most {count} days.")
            raise ValidationError(text.format(count=locales.number(warmups.MOST_DAYS)))
        days: list[int] = []
        for number, part in enumerate(parts, 1):
            days.append(_mails(part, number, days[-1] if days else 1))
        return days

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
        self._check_plan(cleaned)
        return cleaned

    def ask_untested(self) -> bool:
        """Whether the person must first confirm that campaigns may go through a server without a
        passed test. If so, the form shows the box from now on."""
        if self.cleaned_data.get("untested"):
            return False
        self.asks = True
        said = _(
            "Campaigns that are scheduled or under way would go through it. Test these settings "
            "first, or tick the box."
        )
        self.add_error("untested", said)
        return True

    def _check_plan(self, cleaned: dict[str, Any]) -> None:
        """Checks the chosen plan only."""
        chosen = cleaned.get("warmup_plan")
        if chosen != OWN_PLAN:
            cleaned["warmup_days"] = []
            self.errors.pop("warmup_days", None)
        elif cleaned.get("warmup_days") == []:
            self.add_error("warmup_days", _("Enter how many mails it sends on each day."))
        if not chosen:
            cleaned["warmup_began"] = None
            self.errors.pop("warmup_began", None)

    def _check_host(self, cleaned: dict[str, Any]) -> None:
        """Refuses forbidden addresses. Accepts unknown names: they may be known later, and the test
        reports them."""
        if not cleaned.get("host") or not cleaned.get("port"):
            return
        try:
            hosts.check(cleaned["host"], cleaned["port"])
        except hosts.UnknownHostError:
            pass
        except hosts.HostError as error:
            self.add_error("host", reasons.said(str(error)))

    def _check_password(self, cleaned: dict[str, Any]) -> None:
        choice = self.choice
        asked = "password_choice" in self.fields
        if asked and choice == REPLACE and not cleaned.get("password"):
            self.add_error("password", _("Enter the new password."))
        moved = self.relay and any(
            name in cleaned and cleaned[name] != getattr(self.relay, name) for name in PLACE
        )
        # Otherwise a person who may change a relay could send the password to their own server.
        if choice == KEEP and moved:
            self.add_error(
                "password",
                _("The server, port or user has changed. Enter its password again."),
            )
        if cleaned.get("password") and not cleaned.get("username"):
            self.add_error("username", _("Enter the user that the password belongs to."))

    @property
    def choice(self) -> str:
        """What to do with the password; without a stored one always REPLACE."""
        if "password_choice" not in self.fields:
            return REPLACE
        # A typed password counts, whatever is ticked.
        if self.cleaned_data.get("password"):
            return REPLACE
        return str(self.cleaned_data.get("password_choice") or KEEP)

    def new_password(self) -> str | None:
        """For the service; None: no change."""
        if self.choice == REPLACE:
            return str(self.cleaned_data["password"]) or None
        return None if self.choice == KEEP else ""

    def values(self) -> dict[str, Any]:
        """For the service."""
        return {name: self.cleaned_data[name] for name in STORED} | {"warmup": self.plan()}

    def plan(self) -> dict[str, Any]:
        """The plan in the form of relays.warmups."""
        chosen = self.cleaned_data["warmup_plan"]
        if chosen == OWN_PLAN:
            return {"days": self.cleaned_data["warmup_days"]}
        return {"plan": chosen} if chosen else {}


def _typed_plan(warmup: dict[str, Any]) -> dict[str, Any]:
    if days := warmup.get("days"):
        return {"warmup_plan": OWN_PLAN, "warmup_days": " ".join(map(str, days))}
    return {"warmup_plan": warmup.get("plan", NO_PLAN)}


def _mails(typed: str, day: int, before: int) -> int:
    """The mails of a day. Fewer than on the day before are an error, often "1,500" for 1500."""
    known = {"day": locales.number(day), "typed": typed[:20]}
    mails = numbers.whole(typed)
    if mails is None or not 1 <= mails <= warmups.MOST_MAILS:
        raise ValidationError(
            _("Day {day}: {typed} is no number of mails. Write 1500 rather than 1,500.").format(
                **known
            )
        )
    if mails < before:
        raise ValidationError(
            _(
                "Day {day}: {typed} is fewer than on the day before. A warm-up grows; write 1500 "
                "rather than 1,500."
            ).format(**known)
        )
    return mails
