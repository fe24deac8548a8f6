"""Forms of the composer's sections."""

import datetime as dt
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from accounts.forms import OpenCountingField, TimeZoneField
from campaigns import wording, zones
from campaigns.models import Campaign
from campaigns.queries import routes
from campaigns.sectionform import TICK, SectionForm
from campaigns.services import drafts
from contacts import addresses
from designs.models import Design
from pages.singleline import SingleLine

NOW, LATER = "now", "later"
TOMORROW_AT = dt.time(9, 0)
# A later date is a typing error; besides, Python's calendar ends with the year 9999.
FARTHEST = dt.timedelta(days=5 * 366)
# The window that the form proposes.
WORKING_HOURS = {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "18:00"}
ANY, WITHIN = "any", "within"
MOST_A_MINUTE = 10_000_000
# The fields of a start.
START = ("when", "date", "time", "timezone")
CLOCK: dict[str, Any] = {"attrs": {"type": "time"}, "format": "%H:%M"}


class NameForm(SectionForm):
    name = SingleLine(
        label=gettext_lazy("Name"),
        max_length=150,
        help_text=gettext_lazy("Only you and your colleagues see it."),
        error_messages={"required": gettext_lazy("Enter a name.")},
    )


class FromForm(SectionForm):
    from_name = SingleLine(
        label=gettext_lazy("Sender name"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    from_email = SingleLine(
        label=gettext_lazy("Sender address"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    reply_to = SingleLine(
        label=gettext_lazy("Reply-to"),
        max_length=254,
        required=False,
        help_text=gettext_lazy("Empty: to the sender address."),
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def initial_of(self, campaign: Campaign) -> dict[str, Any]:
        return {
            "from_name": campaign.from_name,
            "from_email": addresses.display(campaign.from_email),
            "reply_to": addresses.display(campaign.reply_to),
        }

    def clean_from_email(self) -> str:
        return _address(self.cleaned_data["from_email"])

    def clean_reply_to(self) -> str:
        return _address(self.cleaned_data["reply_to"])


def _address(typed: str) -> str:
    try:
        return addresses.normalise(typed) if typed else ""
    except addresses.AddressError as error:
        raise ValidationError(str(error)) from error


class SubjectForm(SectionForm):
    subject = SingleLine(
        label=gettext_lazy("Subject"),
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    preheader = SingleLine(
        label=gettext_lazy("Preview text"),
        max_length=500,
        required=False,
        help_text=gettext_lazy("Inboxes show it after the subject."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class ContentForm(SectionForm):
    design = forms.ModelChoiceField(
        Design.objects.none(), label=gettext_lazy("Design"), required=False
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, campaign=campaign, **kwargs)
        field = cast("forms.ModelChoiceField[Design]", self.fields["design"])
        field.queryset = Design.objects.filter(
            Q(archived_at=None) | Q(pk=campaign.design_id), workspace=campaign.workspace
        ).order_by("-pk")

    def initial_of(self, campaign: Campaign) -> dict[str, Any]:
        return {"design": campaign.design_id}

    def changes(self) -> dict[str, Any]:
        if "design" not in self.cleaned_data:
            return {}
        return drafts.propose_from_design(self.campaign, self.cleaned_data["design"])


class RouteForm(SectionForm):
    route = forms.ChoiceField(
        label=gettext_lazy("Send through"), required=False, widget=forms.RadioSelect
    )
    open_counting = OpenCountingField(help_text=gettext_lazy("By a small picture in the mail."))
    track_clicks = forms.BooleanField(
        label=gettext_lazy("Count clicks"),
        required=False,
        help_text=gettext_lazy("Links lead through this site."),
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, campaign=campaign, **kwargs)
        self.routes = routes.choices(campaign.workspace)
        field = cast("forms.ChoiceField", self.fields["route"])
        field.choices = [(route.key, route.name) for route in self.routes]

    def initial_of(self, campaign: Campaign) -> dict[str, Any]:
        chosen = f"pool-{campaign.pool_id}" if campaign.pool_id else f"relay-{campaign.relay_id}"
        return {
            "route": chosen,
            "open_counting": campaign.open_counting,
            "track_clicks": campaign.track_clicks,
        }

    def changes(self) -> dict[str, Any]:
        changes: dict[str, Any] = {"track_clicks": self.cleaned_data["track_clicks"]}
        if way := self.cleaned_data.get("open_counting"):
            changes["open_counting"] = way
        kind, _dash, pk = self.cleaned_data.get("route", "").partition("-")
        if kind == "pool":
            changes |= {"pool": self.campaign.workspace.pools.get(pk=pk), "relay": None}
        elif kind == "relay":
            changes |= {"relay": self.campaign.workspace.relays.get(pk=pk), "pool": None}
        return changes


class WhenForm(SectionForm):
    when = forms.ChoiceField(
        label=gettext_lazy("When"),
        choices=(
            (NOW, gettext_lazy("As soon as I say so")),
            (LATER, gettext_lazy("At a date and time")),
        ),
        widget=forms.RadioSelect(attrs=TICK),
    )
    date = forms.DateField(
        label=gettext_lazy("Date"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    time = forms.TimeField(
        label=gettext_lazy("Time"), required=False, widget=forms.TimeInput(**CLOCK)
    )
    timezone = TimeZoneField(required=False)
    hours = forms.ChoiceField(
        label=gettext_lazy("Sending window"),
        required=False,
        choices=(
            (ANY, gettext_lazy("At any hour")),
            (WITHIN, gettext_lazy("Only on these days, between these hours")),
        ),
        widget=forms.RadioSelect(attrs=TICK),
    )
    days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Days"),
        required=False,
        coerce=int,
        choices=(),
        widget=forms.CheckboxSelectMultiple(attrs=TICK),
    )
    begins = forms.TimeField(
        label=pgettext_lazy("hours", "From"), required=False, widget=forms.TimeInput(**CLOCK)
    )
    ends = forms.TimeField(
        label=pgettext_lazy("hours", "To"), required=False, widget=forms.TimeInput(**CLOCK)
    )
    window_zone = TimeZoneField(required=False)
    per_minute = forms.IntegerField(
        label=gettext_lazy("At most so many messages a minute"),
        required=False,
        min_value=1,
        max_value=MOST_A_MINUTE,
        help_text=gettext_lazy(
            "Empty: as fast as the relays allow. A lower rate spreads visits and answers over time."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )

    moment: zones.Moment | None = None

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, campaign=campaign, **kwargs)
        field = cast("forms.TypedMultipleChoiceField", self.fields["days"])
        field.choices = list(enumerate(wording.weekdays(), start=1))

    def initial_of(self, campaign: Campaign) -> dict[str, Any]:
        zone = zones.known(campaign.timezone)
        if campaign.scheduled_at:
            wall = zones.of(campaign.scheduled_at, zone).wall
        else:  # the proposal for somebody who chooses a time
            today = zones.of(timezone.now(), zone).wall.date()
            wall = dt.datetime.combine(today + dt.timedelta(days=1), TOMORROW_AT)
        window = campaign.window or WORKING_HOURS
        return {
            "when": LATER if campaign.scheduled_at else NOW,
            "date": wall.date(),
            "time": wall.time(),
            "timezone": zone,
            "hours": WITHIN if campaign.window else ANY,
            "days": window["days"],
            "begins": window["from"],
            "ends": window["to"],
            "window_zone": window.get("zone", zone),
            "per_minute": campaign.per_minute,
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("when") == LATER:
            self._clean_start(cleaned)
        if cleaned.get("hours") == WITHIN:
            self._clean_window(cleaned)
        return cleaned

    def _clean_start(self, cleaned: dict[str, Any]) -> None:
        for name, text in (("date", _("Choose a date.")), ("time", _("Choose a time."))):
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, text)
        today = timezone.localdate()
        if self._right(*START) and abs(cleaned["date"] - today) > FARTHEST:
            self.add_error("date", _("Choose a date within the next five years."))
        if self._right(*START):
            asked = dt.datetime.combine(cleaned["date"], cleaned["time"])
            self.moment = zones.moment(asked, cleaned.get("timezone") or "UTC")
            if self.moment.at <= timezone.now():
                self.add_error("time", _("This time is over; choose a later one."))

    def _clean_window(self, cleaned: dict[str, Any]) -> None:
        asked = {
            "days": _("Choose at least one day."),
            "begins": _("Enter when it may begin."),
            "ends": _("Enter when it stops."),
        }
        for name, text in asked.items():
            if name not in self.errors and cleaned.get(name) in (None, []):
                self.add_error(name, text)
        if self._right("begins", "ends") and cleaned["begins"] == cleaned["ends"]:
            self.add_error("ends", _("The window is empty; enter another hour."))

    def _right(self, *names: str) -> bool:
        return not self.errors.keys() & set(names)

    def changes(self) -> dict[str, Any]:
        """The start, the window and the rate, each only if it is valid."""
        return self._start() | self._window() | self._rate()

    def _start(self) -> dict[str, Any]:
        zone = self.cleaned_data.get("timezone") or self.campaign.timezone
        if self.cleaned_data.get("when") == NOW:
            return {"scheduled_at": None, "timezone": zone}
        if self.moment is None or not self._right(*START):
            return {}
        return {"scheduled_at": self.moment.at, "timezone": zone}

    def _window(self) -> dict[str, Any]:
        known = self.cleaned_data
        if known.get("hours") == ANY:
            return {"window": {}}
        right = self._right("days", "begins", "ends", "window_zone")
        if known.get("hours") != WITHIN or not right:
            return {}
        zone = known.get("window_zone") or self.campaign.timezone
        return {
            "window": {
                "days": sorted(known["days"]),
                "from": f"{known['begins']:%H:%M}",
                "to": f"{known['ends']:%H:%M}",
                "zone": zone,
            }
        }

    def _rate(self) -> dict[str, Any]:
        if "per_minute" not in self.data or not self._right("per_minute"):
            return {}
        return {"per_minute": self.cleaned_data.get("per_minute")}


class NewCampaignForm(forms.Form):
    name = SingleLine(
        label=gettext_lazy("Name"),
        max_length=150,
        help_text=gettext_lazy("Only you and your colleagues see it."),
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
        error_messages={
            "required": gettext_lazy("Enter a name; only you and your colleagues see it.")
        },
    )
