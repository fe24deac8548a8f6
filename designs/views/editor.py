"""The editor. It saves automatically, checks while the person types, and prevents overwriting the
changes of another person."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.permissions import Permission
from designs import checks, editorwords, fields, previews, services
from designs.forms import DesignForm
from designs.models import Design
from designs.services import DesignConflictError
from designs.views.previews import contact_of, panel, source_of, typed
from pages import editors


def design(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """The editor. A person without the permission to edit is sent to the preview."""
    one = get_in(request.workspace, Design, pk=pk)
    if not request.may(Permission.EDIT_DESIGNS):
        return redirect("design_preview", request.workspace.slug, pk)
    return _editor(request, one, _form_of(one))


def _form_of(one: Design) -> DesignForm:
    names = (*services.EDITABLE, "version")
    return DesignForm(initial={name: getattr(one, name) for name in names})


def _editor(
    request: WorkspaceRequest, one: Design, form: DesignForm, *, conflict: str = ""
) -> HttpResponse:
    contact = contact_of(request, request.GET)
    source = source_of(one)
    preview = previews.render_preview(request.workspace, contact=contact, **source.parts())
    offered = fields.offered(request.workspace, fields.language_of(source.parts()))
    context = {
        "design": one,
        "form": form,
        "conflict": conflict,
        "unconverted": services.unconverted(one),
        "plain": bool(one.text.strip()) and not one.html.strip(),
        "made_text": checks.made_text(one.html),
        "groups": fields.grouped(offered),
        "completions": [
            {"key": each.key, "label": each.label, "insert": each.expression} for each in offered
        ],
        "phrases": editorwords.phrases(),
        **panel(request, preview, contact, request.GET),
    }
    return render(request, "designs/editor.html", context)


@require_POST
def save_design(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Saves the typed draft over the version that was opened. If a newer version exists, the person
    chooses (`keep`: mine or theirs), and the other version becomes a separate design."""
    one = get_in(request.workspace, Design, pk=pk)
    form = DesignForm(request.POST)
    if not form.is_valid():
        return _refused(request, one, form, "not_saved")
    draft = form.draft(services.draft_of(one))
    if (keep := request.POST.get("keep", "")) in {"mine", "theirs"}:
        return _settle(request, one, draft, keep)
    try:
        key = f"design-{one.pk}"
        named = form.cleaned_data["version"]
        version = editors.base(request, key, named=named, current=one.version)
        services.save(one, draft, version=version, by=request.user)
        editors.saved(request, key, one.version)
    except DesignConflictError as error:
        return _refused(request, one, form, "conflict", text=str(error))
    if not request.htmx:
        return redirect("design", request.workspace.slug, pk)
    return render(request, "designs/parts/saved.html", {"design": one})


def _refused(
    request: WorkspaceRequest, one: Design, form: DesignForm, why: str, *, text: str = ""
) -> HttpResponse:
    if not request.htmx:
        return _editor(request, one, form, conflict=text)
    context = {"design": one, "form": form, "text": text}
    return render(request, f"designs/parts/{why}.html", context)


def _settle(
    request: WorkspaceRequest, one: Design, draft: services.Draft, keep: str
) -> HttpResponseBase:
    end = services.keep_mine if keep == "mine" else services.take_theirs
    copy = end(one, draft, by=request.user)
    if not request.htmx:
        messages.success(
            request, _("The other version is the design “%(name)s”.") % {"name": copy.name}
        )
        return redirect("design", request.workspace.slug, one.pk)
    context = {"design": one, "copy": copy, "took_theirs": keep == "theirs"}
    return render(request, "designs/parts/settled.html", context)


@require_POST
def design_problems(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """Checks the typed draft: the line in the inbox, remote images, problems with their lines."""
    one = get_in(request.workspace, Design, pk=pk)
    source = typed(request.POST)
    contact = contact_of(request, request.POST)
    preview = previews.render_preview(request.workspace, contact=contact, **source.parts())
    context = {
        "design": one,
        "made_text": checks.made_text(source.html),
        **panel(request, preview, contact, request.POST),
    }
    return render(request, "designs/parts/checked.html", context)
