"""Tests of a stored relay or of typed settings; the page shows the whole dialogue."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.secrets import SecretError, decrypt
from pages import numbers
from relays.forms.relays import RelayForm
from relays.forms.trials import RelayTestForm
from relays.models import Relay
from relays.providers import presets
from relays.services import relays as service
from relays.services.testallowance import TestRefusedError
from relays.trial import Dialogue, TrialStep
from relays.trouble import Trouble, diagnose
from smtp import Server


@require_POST
def test_relay(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Tests the stored relay; a part of a page."""
    relay = get_in(request.workspace, Relay, pk=pk)
    form = RelayTestForm(request.POST)
    if not form.is_valid():
        return render(request, "relays/parts/relay_test.html", {"relay": relay, "test": form})
    try:
        server, dialogue = service.test(relay, **_asked(request, form))
    except SecretError as error:
        lost = {"relay": relay, "test": form, "lost": str(error)}
        return render(request, "relays/parts/relay_test.html", lost)
    except TestRefusedError as error:
        form.add_error(error.field, str(error))
        return render(request, "relays/parts/relay_test.html", {"relay": relay, "test": form})
    context = {"relay": relay, "test": form} | _tried(relay, server, dialogue)
    return render(request, "relays/parts/relay_test.html", context)


@require_POST
def try_relay(request: WorkspaceRequest) -> HttpResponse:
    """Tests typed settings before they are saved; a part of a page. `relay`: the relay that is
    being changed; its stored password is used if the server is still the same."""
    pk = numbers.whole(request.POST.get("relay"))
    relay = None if pk is None else get_in(request.workspace, Relay, pk=pk, managed_by="")
    form = RelayForm(request.POST, workspace=request.workspace, relay=relay)
    if not form.is_valid():
        wrong = [(form.fields[name].label, errors) for name, errors in form.errors.items()]
        return render(request, "relays/parts/relay_tried.html", {"wrong": wrong})
    preset = relay.preset if relay else request.POST.get("preset", "")
    typed = Relay(workspace=request.workspace, preset=preset, **form.values())
    try:
        kept = decrypt(relay.password) if relay and form.new_password() is None else ""
    except SecretError as error:
        return render(request, "relays/parts/relay_tried.html", {"lost": str(error)})
    server = Server(
        typed.host, typed.port, typed.security, typed.username, form.new_password() or kept
    )
    test = RelayTestForm({"from_email": request.workspace.from_email or request.user.email})
    test.is_valid()
    dialogue = service.try_out(typed, server, **_asked(request, test))
    context = _tried(typed, server, dialogue)
    if dialogue.ok:
        context["proof"] = service.proof(server)
    return render(request, "relays/parts/relay_tried.html", context)


def _asked(request: WorkspaceRequest, form: RelayTestForm) -> dict[str, Any]:
    typed = form.cleaned_data
    return {
        "from_email": typed["from_email"],
        "by": request.user,
        "recipient": typed.get("recipient", ""),
        "mail": typed.get("mail", False),
    }


def _tried(relay: Relay, server: Server, dialogue: Dialogue) -> dict[str, object]:
    trouble = diagnose(server, dialogue)
    return {
        "dialogue": dialogue,
        "trouble": trouble,
        "hint": _hint(relay, trouble),
        "steps": [(_step_name(step), True) for step in dialogue.done]
        + ([(_step_name(dialogue.failed), False)] if dialogue.failed else []),
        "mailed": TrialStep.CONTENT in dialogue.done,
    }


def _hint(relay: Relay, trouble: Trouble | None) -> str:
    """The provider's hint about the login, if it explains the trouble."""
    preset = presets.get(relay.preset)
    if preset is None or trouble is None:
        return ""
    if trouble.code in {"login", "needs_login", "no_method"}:
        return preset.login
    return preset.notes if trouble.code in {"sender", "policy", "rate"} else ""


def _step_name(step: TrialStep) -> str:
    names = {
        TrialStep.CONNECT: _("Connect"),
        TrialStep.TLS: _("Encrypt"),
        TrialStep.GREETING: _("Greeting"),
        TrialStep.EHLO: _("Introduce"),
        TrialStep.STARTTLS: _("Encrypt"),
        TrialStep.LOGIN: _("Log in"),
        TrialStep.SENDER: _("Sender"),
        TrialStep.RECIPIENT: _("Recipient"),
        TrialStep.CONTENT: _("Mail"),
    }
    return names[step]
