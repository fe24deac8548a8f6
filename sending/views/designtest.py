"""Sends a design, saved or not, to a few typed addresses at once, as a test."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest, get_in
from accounts.models import Workspace
from accounts.secrets import SecretError
from contacts import addresses, countries
from contacts.queries import mailable
from designs import fields
from designs.checks import MailSource
from designs.fuel import TimeUpError
from designs.models import Design
from designs.places import PLACES, BusyError
from designs.rendering import Rendered, Renderer, RenderError
from designs.services import compile_parts
from designs.views.previews import contact_of, source_of
from pages.singleline import SingleLine
from relays import senders
from relays.models import Relay
from relays.services import testallowance
from relays.services.testallowance import TestRefusedError
from sending import markets
from sending.compose.mime import Sender
from sending.reasons import said
from sending.services.testmail import MOST_ADDRESSES, TestResult, nowhere, send_test

BETWEEN = re.compile(r"[\s,;，；、]+")
PARTS = ("subject", "preheader", "html", "text")

DIALOG = "sending/parts/design_test.html"


class DesignTestForm(forms.Form):
    """Recipients, sender and relay of a test."""

    __test__ = False  # no test of pytest's

    addresses = forms.CharField(
        label=gettext_lazy("To"),
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text=gettext_lazy("Up to 10 addresses, with commas or spaces between."),
        error_messages={"required": gettext_lazy("Enter at least one address.")},
    )
    relay = forms.ModelChoiceField(
        Relay.objects.none(), label=gettext_lazy("Relay"), empty_label=None
    )
    from_name = SingleLine(label=gettext_lazy("Sender name"), max_length=100, required=False)
    from_email = forms.ChoiceField(
        label=gettext_lazy("Sender address"),
        help_text=gettext_lazy("From the workspace's settings and campaigns."),
        error_messages={"required": gettext_lazy("Enter the address that the mail comes from.")},
    )

    def __init__(self, *args: Any, workspace: Workspace, **options: Any) -> None:
        # Ids of its own: the composer has fields of these names too.
        options.setdefault("auto_id", "test_%s")
        super().__init__(*args, **options)
        self.workspace = workspace
        cast("forms.ModelChoiceField[Relay]", self.fields["relay"]).queryset = relays(workspace)
        cast("forms.ChoiceField", self.fields["from_email"]).choices = [
            (one, addresses.display(one)) for one in senders.of(workspace)
        ]

    def clean_addresses(self) -> list[str]:
        given = [one for one in BETWEEN.split(self.cleaned_data["addresses"]) if one]
        wanted = list(dict.fromkeys(_normal(one) for one in given))
        if len(wanted) > MOST_ADDRESSES:
            raise ValidationError(
                _("A test goes to %(count)d addresses at most."), params={"count": MOST_ADDRESSES}
            )
        stopped = mailable.stopped_among(self.workspace, wanted)
        if found := next((one for one in wanted if one in stopped), ""):
            raise ValidationError(
                _("%(address)s is suppressed: nothing is sent there, tests included."),
                params={"address": addresses.display(found)},
            )
        return wanted

    def sender(self) -> Sender:
        email = self.cleaned_data["from_email"]
        return Sender(
            name=self.cleaned_data["from_name"],
            email=email,
            reply_to="",
            list_id=f"test.{email.rpartition('@')[2]}",
            list_name=self.workspace.name,
            mailing_id=0,
        )


def _normal(address: str) -> str:
    try:
        return addresses.normalise(address)
    except addresses.AddressError as error:
        raise ValidationError(f"{address[:80]}: {error}") from error


def relays(workspace: Workspace) -> Any:
    """Relays that may send now."""
    return Relay.objects.filter(
        workspace=workspace, state=Relay.State.ACTIVE, archived_at=None
    ).order_by("-delivers", "name")


def design_test(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """GET: the form. POST: sends, and shows the server's reply for each address. Posted parts
    (subject, preheader, html, text) replace the saved ones."""
    design = get_in(request.workspace, Design, pk=pk)
    if not relays(request.workspace).exists():
        return render(request, DIALOG, {"design": design, "missing": "relay"})
    if not senders.of(request.workspace):
        return render(request, DIALOG, {"design": design, "missing": "sender"})
    if request.method != "POST":
        return _answer(request, design, _form(request))
    form = DesignTestForm(request.POST, workspace=request.workspace)
    if not form.is_valid():
        return _answer(request, design, form)
    results: list[TestResult] = []
    try:
        with PLACES.one(request.workspace.pk):
            mail = _rendered(request, _source(request, design))
        results = _send(request, mail, form)
    except BusyError:
        form.add_error(None, _("Many mails are being rendered right now. Try again in a moment."))
    except TimeUpError:
        words = _("This mail takes too long to render. Make its loops and calculations smaller.")
        form.add_error(None, words)
    except RenderError as error:
        form.add_error(None, said(str(error)))
    except SecretError as error:
        form.add_error("relay", str(error))
    except TestRefusedError as error:
        form.add_error(error.field, str(error))
    return _answer(request, design, form, results)


def _form(request: WorkspaceRequest) -> DesignTestForm:
    """?from_name= and ?from_email= replace the workspace's as initial values."""
    workspace, given = request.workspace, request.GET
    known = senders.of(workspace)
    wanted = given.get("from_email", "")
    initial = {
        "addresses": request.user.email,
        "from_name": given.get("from_name") or workspace.from_name or workspace.name,
        "from_email": wanted if wanted in known else known[0],
    }
    return DesignTestForm(initial=initial, workspace=workspace)


def _answer(
    request: WorkspaceRequest,
    design: Design,
    form: DesignTestForm,
    results: list[TestResult] | None = None,
) -> HttpResponse:
    allowance = testallowance.left(request.user)
    context = {
        "design": design,
        "form": form,
        "advertising": _advertising(request),
        "results": results or [],
        "allowance": allowance,
        "until": testallowance.until(allowance),
    }
    return render(request, DIALOG, context)


def _source(request: WorkspaceRequest, design: Design) -> MailSource:
    saved = source_of(design).parts()
    return MailSource(**{name: request.POST.get(name, saved[name]) for name in PARTS})


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A mail and what it was rendered with."""

    mail: Rendered
    fields: dict[str, Any]


def _rendered(request: WorkspaceRequest, source: MailSource) -> _Drawn:
    parts = compile_parts(**source.parts(), track_clicks=False)
    renderer = Renderer(**{name: parts[name] for name in PARTS})
    values = fields.values(request.workspace, contact_of(request, request.POST))
    return _Drawn(renderer.render(values, nowhere()), values)


def _in_markets(request: WorkspaceRequest, chosen: Sequence[str]) -> dict[str, int]:
    """{address: bits of markets}, for the mail of a campaign: those of the contact whom the preview
    is for, or else those of each address."""
    if _advertising(request) != "1":
        return {}
    default, contact = request.workspace.default_market, contact_of(request, request.POST)
    if contact is None:
        return {one: markets.of(None, one, default=default) for one in chosen}
    country = contact.attributes.get(countries.ATTRIBUTE)
    return dict.fromkeys(chosen, markets.of(country, contact.email, default=default))


def _advertising(request: WorkspaceRequest) -> str:
    """ "1" for the mail of a campaign."""
    return request.POST.get("advertising", request.GET.get("advertising", ""))


def _send(request: WorkspaceRequest, drawn: _Drawn, form: DesignTestForm) -> list[TestResult]:
    return send_test(
        relay=form.cleaned_data["relay"],
        rendered=drawn.mail,
        sender=form.sender(),
        addresses=form.cleaned_data["addresses"],
        fields=drawn.fields,
        by=request.user,
        in_markets=_in_markets(request, form.cleaned_data["addresses"]),
    )
