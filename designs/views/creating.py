"""New designs: from the gallery of starters, from HTML made elsewhere, or as plain text."""

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from designs import services, starters
from designs.checks import MailSource
from designs.forms import PasteForm, StarterForm
from designs.models import Design
from designs.services import Draft
from designs.views.previews import document


def new_design(request: WorkspaceRequest) -> HttpResponseBase:
    """The gallery. POST creates a design from `starter`, from `html` or `file`, or a `plain`
    one."""
    paste = PasteForm()
    if request.method == "POST":
        if "starter" in request.POST:
            return _from_starter(request)
        if "plain" in request.POST:
            design = services.create(request.workspace, _plain(), by=request.user)
            return redirect(f"{_editor(request, design)}#text")
        paste = PasteForm(request.POST, request.FILES)
        if paste.is_valid():
            draft = Draft(name=paste.cleaned_data["name"], html=paste.source())
            design = services.create(request.workspace, draft, by=request.user)
            return redirect(_editor(request, design))
    language = request.GET.get("language", "")
    if language not in starters.LANGUAGES:
        language = starters.proposed(get_language())
    context = {
        "starters": starters.every(language),
        "language_chosen": language,
        "languages": (("en", "English"), ("zh", "简体中文")),
        "paste": paste,
    }
    return render(request, "designs/new.html", context)


def _from_starter(request: WorkspaceRequest) -> HttpResponseBase:
    form = StarterForm(request.POST)
    if not form.is_valid():
        raise Http404
    chosen: starters.Starter = form.cleaned_data["chosen"]
    draft = Draft(
        name=chosen.name,
        subject=chosen.subject,
        preheader=chosen.preheader,
        html=chosen.html,
        text=chosen.text,
    )
    return redirect(_editor(request, services.create(request.workspace, draft, by=request.user)))


def _plain() -> Draft:
    hello = _("Hello {name},").format(name="{{ first_name|default('') }}")
    chosen = _("Choose your mails: {url}").format(url="{{ preferences_url }}")
    leave = _("Unsubscribe: {url}").format(url="{{ unsubscribe_url }}")
    foot = "{{ workspace.name }}{% if workspace.address %} · {{ workspace.address }}{% endif %}"
    return Draft(name=_("Plain text"), text=f"{hello}\n\n\n\n--\n{foot}\n{chosen}\n{leave}\n")


def _editor(request: WorkspaceRequest, design: Design) -> str:
    return reverse("design", args=[request.workspace.slug, design.pk])


def starter_frame(request: WorkspaceRequest, key: str, language: str) -> HttpResponse:
    """A starter as a document for a frame."""
    starter = starters.get(key, language)
    if starter is None:
        raise Http404
    source = MailSource(
        subject=starter.subject, preheader=starter.preheader, html=starter.html, text=starter.text
    )
    return document(request, source, request.GET)
