"""Relays: what they do now, their settings, and a test that shows the whole dialogue."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, override
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import sources
from pages import locales, toasts
from sending import presets, reasons
from sending.exchange import Server
from sending.forms.relays import LimitsForm, RelayForm, TestForm
from sending.models import Pool, Relay
from sending.presets import Preset
from sending.queries import relaynow
from sending.relaytest import Step
from sending.relaytrouble import Trouble, diagnose
from sending.secrets import SecretError, decrypt
from sending.services import relays as service

SHOWN_MAILINGS = 5
MADE_FOR_CAMPAIGNS = gettext_lazy("Made for campaigns")
OWN_SERVER = gettext_lazy("A server of your own")
OFFICE = gettext_lazy("Mailboxes for people: some hundred mails a day, not for large campaigns")


@dataclass(frozen=True, slots=True)
class Now:
    """A relay as it is at this moment."""

    relay: Relay
    rate: relaynow.Rate | None
    used: relaynow.Used

    @property
    def waits(self) -> bool:
        until = self.relay.wait_until
        return bool(
            self.relay.state == Relay.State.ACTIVE and until is not None and until > timezone.now()
        )

    @property
    def wait_reason(self) -> str:
        return reasons.text(self.relay.wait_reason)

    @property
    def status(self) -> str:
        """A code of pages.statuses."""
        if self.relay.archived_at:
            return "archived"
        return "waiting" if self.waits else self.relay.state

    @property
    def cause(self) -> tuple[str, str]:
        """Why it was stopped or waits: (our sentence in the reader's language, server's words)."""
        return _cause(self.relay.state_reason)

    @property
    def by_answers(self) -> bool:
        """Whether it waits because of what the server said, not for a limit."""
        return self.waits and self.relay.wait_reason not in {"per_hour", "per_day"}

    def limits(self) -> list[tuple[str, int, int]]:
        """(of what, used, limit) of the limits that are counted."""
        counted = (
            (_("This hour"), self.used.hour, self.relay.per_hour),
            (_("Today (UTC)"), self.used.day, self.relay.per_day),
        )
        return [(label, used, limit) for label, used, limit in counted if limit]


def _cause(reason: str) -> tuple[str, str]:
    """Workers store "sentence: words" in their own language, English."""
    with override("en"):
        english = {f"{sentence}: ": code for code, sentence in reasons.SENTENCES.items()}
    for begin, code in english.items():
        if reason.startswith(begin):
            return reasons.text(code), reason.removeprefix(begin)
    return "", reason


def _now(shown: Sequence[Relay]) -> list[Now]:
    ids = [relay.pk for relay in shown]
    rates, uses = relaynow.rates(ids), relaynow.uses(ids)
    return [Now(relay, rates.get(relay.pk), uses.get(relay.pk, relaynow.Used())) for relay in shown]


def relays(request: WorkspaceRequest) -> HttpResponse:
    archived = request.GET.get("archived") == "1"
    own = Relay.objects.filter(workspace=request.workspace)
    shown = own.filter(archived_at__isnull=not archived).order_by("is_sandbox", "name")
    pools = Pool.objects.filter(workspace=request.workspace).prefetch_related("members__relay")
    context = {
        "rows": _now(list(shown)),
        "archived": archived,
        "any_archived": own.exclude(archived_at=None).exists(),
        "pools": [] if archived else pools.order_by("name"),
    }
    return render(request, "sending/relays.html", context)


def relay_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    relay = get_in(request.workspace, Relay, pk=pk)
    recent = list(service.mailings(relay).select_related("tally").order_by("-pk")[:SHOWN_MAILINGS])
    context = {
        "relay": relay,
        "now": _now([relay])[0],
        "preset": presets.get(relay.preset),
        "mailings": recent,
        "source_names": sources.names(request.workspace, [one.origin for one in recent]),
        "replies": relaynow.last_replies(relay.pk, [one.pk for one in recent]),
        "live": service.live_mailings(relay).count(),
        "pools": Pool.objects.filter(members__relay=relay).order_by("name"),
        "test": TestForm(initial=_test_initial(request)),
    }
    return render(request, "sending/relay.html", context)


def relay_now(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The part of the page that changes by itself."""
    relay = get_in(request.workspace, Relay, pk=pk)
    context = {"relay": relay, "now": _now([relay])[0]}
    return render(request, "sending/parts/relay_now.html", context)


def _test_initial(request: WorkspaceRequest) -> dict[str, str]:
    return {"from_email": request.workspace.from_email, "recipient": request.user.email}


def _groups() -> list[tuple[Promise, list[Preset]]]:
    """The providers as they are offered: (heading, presets)."""
    known = presets.presets().values()
    return [
        (MADE_FOR_CAMPAIGNS, [one for one in known if one.wants_login and not one.office]),
        (OWN_SERVER, [one for one in known if not one.wants_login]),
        (OFFICE, [one for one in known if one.office]),
    ]


def new_relay(request: WorkspaceRequest) -> HttpResponseBase:
    """First the provider, then its form."""
    key = request.GET.get("preset", "")
    preset = presets.get(key)
    if preset is None:
        return render(request, "sending/relay_presets.html", {"groups": _groups()})
    form = RelayForm(request.POST or None, workspace=request.workspace, preset=preset)
    if request.method == "POST" and form.is_valid():
        relay = service.create(
            request.workspace,
            preset=key,
            password=form.new_password() or "",
            **form.values(),
        )
        messages.success(request, _("{relay} is there. Test it now.").format(relay=relay.name))
        return redirect("relay", request.workspace.slug, relay.pk)
    return render(request, "sending/relay_form.html", {"form": form, "preset": preset})


def edit_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    relay = get_in(request.workspace, Relay, pk=pk, archived_at=None)
    if relay.is_sandbox:
        return _edit_sandbox(request, relay)
    form = RelayForm(request.POST or None, workspace=request.workspace, relay=relay)
    if request.method == "POST" and form.is_valid():
        service.change(relay, password=form.new_password(), **form.values())
        messages.success(request, _("Saved."))
        return redirect("relay", request.workspace.slug, relay.pk)
    context = {"form": form, "relay": relay, "preset": presets.get(relay.preset)}
    return render(request, "sending/relay_form.html", context)


def _edit_sandbox(request: WorkspaceRequest, relay: Relay) -> HttpResponseBase:
    initial = {name: getattr(relay, name) for name in LimitsForm.base_fields}
    form = LimitsForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        service.change(relay, **LimitsForm.values(form))
        messages.success(request, _("Saved."))
        return redirect("relay", request.workspace.slug, relay.pk)
    return render(request, "sending/relay_sandbox.html", {"form": form, "relay": relay})


@require_POST
def pause_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    relay = get_in(request.workspace, Relay, pk=pk)
    if service.pause(relay):
        undo = reverse("resume_relay", args=[request.workspace.slug, relay.pk])
        toasts.undo(request, _("{relay} is paused.").format(relay=relay.name), undo)
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def resume_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Also lifts what the platform stopped; the page shows why it did before one comes here."""
    relay = get_in(request.workspace, Relay, pk=pk)
    if service.resume(relay):
        messages.success(request, _("{relay} sends again.").format(relay=relay.name))
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def try_relay_now(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    relay = get_in(request.workspace, Relay, pk=pk)
    if service.try_now(relay):
        messages.success(request, _("{relay} is tried again now.").format(relay=relay.name))
    return redirect("relay", request.workspace.slug, relay.pk)


@require_POST
def archive_relay(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Archive, or bring back what is archived."""
    relay = get_in(request.workspace, Relay, pk=pk, is_sandbox=False)
    if relay.archived_at:
        service.bring_back(relay)
        text = _("{relay} is back, and paused until you resume it.")
        messages.success(request, text.format(relay=relay.name))
        return redirect("relay", request.workspace.slug, relay.pk)
    try:
        service.archive(relay)
    except service.InUseError as error:
        text = ngettext(
            "{relay} can't be archived: a mailing that is not finished uses it. Wait for its end, "
            "or cancel it.",
            "{relay} can't be archived: {count} mailings that are not finished use it. Wait for "
            "their end, or cancel them.",
            error.count,
        )
        count = locales.number(error.count)
        messages.error(request, text.format(relay=relay.name, count=count))
        return redirect("relay", request.workspace.slug, relay.pk)
    messages.success(request, _("{relay} is archived.").format(relay=relay.name))
    return redirect("relays", request.workspace.slug)


@require_POST
def test_relay(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Talks to the relay as it is stored; a part of a page."""
    relay = get_in(request.workspace, Relay, pk=pk)
    form = TestForm(request.POST)
    if not form.is_valid():
        return render(request, "sending/parts/relay_test.html", {"relay": relay, "test": form})
    try:
        server = service.server_of(relay)
    except SecretError as error:
        context = {"relay": relay, "test": form, "lost": str(error)}
        return render(request, "sending/parts/relay_test.html", context)
    context = {"relay": relay, "test": form} | _tried(relay, server, form)
    return render(request, "sending/parts/relay_test.html", context)


@require_POST
def try_relay(request: WorkspaceRequest) -> HttpResponse:
    """Talks to a relay as it is typed, before it is saved; a part of a page. `relay`: the one that
    is being changed, whose stored password is used as long as it is for the same server."""
    pk = request.POST.get("relay", "")
    relay = get_in(request.workspace, Relay, pk=pk, is_sandbox=False) if pk.isdecimal() else None
    form = RelayForm(request.POST, workspace=request.workspace, relay=relay)
    if not form.is_valid():
        wrong = [(form.fields[name].label, errors) for name, errors in form.errors.items()]
        return render(request, "sending/parts/relay_tried.html", {"wrong": wrong})
    preset = relay.preset if relay else request.POST.get("preset", "")
    typed = Relay(workspace=request.workspace, preset=preset, **form.values())
    try:
        kept = decrypt(relay.password) if relay and form.new_password() is None else ""
    except SecretError as error:
        return render(request, "sending/parts/relay_tried.html", {"lost": str(error)})
    server = Server(
        typed.host, typed.port, typed.security, typed.username, form.new_password() or kept
    )
    test = TestForm({"from_email": request.workspace.from_email or request.user.email})
    test.is_valid()
    context = _tried(typed, server, test)
    return render(request, "sending/parts/relay_tried.html", context)


def _tried(relay: Relay, server: Server, form: TestForm) -> dict[str, object]:
    typed = form.cleaned_data
    dialogue = service.try_out(
        relay,
        server,
        from_email=typed["from_email"],
        recipient=typed.get("recipient", ""),
        mail=typed.get("mail", False),
    )
    trouble = diagnose(server, dialogue)
    return {
        "dialogue": dialogue,
        "trouble": trouble,
        "hint": _hint(relay, trouble),
        "steps": [(_step_name(step), True) for step in dialogue.done]
        + ([(_step_name(dialogue.failed), False)] if dialogue.failed else []),
        "mailed": Step.CONTENT in dialogue.done,
    }


def _hint(relay: Relay, trouble: Trouble | None) -> str:
    """What this provider wants, where that explains it."""
    preset = presets.get(relay.preset)
    if preset is None or trouble is None:
        return ""
    if trouble.code in {"login", "needs_login", "no_method"}:
        return preset.login
    return preset.notes if trouble.code in {"sender", "policy", "rate"} else ""


def _step_name(step: Step) -> str:
    names = {
        Step.CONNECT: _("Connect"),
        Step.TLS: _("Encrypt"),
        Step.GREETING: _("Greeting"),
        Step.EHLO: _("Introduce"),
        Step.STARTTLS: _("Encrypt"),
        Step.LOGIN: _("Log in"),
        Step.SENDER: _("Sender"),
        Step.RECIPIENT: _("Recipient"),
        Step.CONTENT: _("Mail"),
    }
    return names[step]
