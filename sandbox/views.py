"""Pages of the mail sandbox: the list of mails, one mail, the magic addresses. Also the platform's
own mails, which belong to no workspace and contain secret links."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.access import WorkspaceRequest, get_in
from accounts.models import Workspace
from accounts.permissions import Permission
from pages import csp, locales, tables
from sandbox import behaviour
from sandbox.behaviour import SandboxOutcome
from sandbox.framed import framed
from sandbox.models import OUTCOMES, SandboxMail
from sandbox.returns import DOMAIN
from sandbox.services import sandbox as services
from sandbox.shown import ShownMail

VIEWS = ("html", "text", "headers", "source")
# The policy of a frame with foreign HTML: no script, no form, images from our site only.
FRAME = {
    "style_src": ("'unsafe-inline'",),
    "img_src": ("data:", csp.SELF, f"{settings.PUBLIC_URL}/"),
    "frame_ancestors": (csp.SELF,),
    "form_action": (csp.NONE,),
    "base_uri": (csp.NONE,),
    "sandbox": ("allow-popups", "allow-popups-to-escape-sandbox"),
}
# The policy after the person asked for images: requests to other servers are allowed.
WITH_IMAGES = {**FRAME, "img_src": ("data:", "https:", "http:"), "font_src": ("https:",)}


def filtered(request: HttpRequest, workspace: Workspace | None) -> QuerySet[SandboxMail]:
    """Mails filtered by q (part of the recipient's address) and outcome, without their content."""
    rows = SandboxMail.objects.filter(workspace=workspace).defer("raw")
    if text := request.GET.get("q", "").strip():
        rows = rows.filter(envelope_to__icontains=text)
    if (outcome := request.GET.get("outcome", "")) in dict(OUTCOMES):
        rows = rows.filter(outcome=outcome)
    return rows


def listed(request: HttpRequest, workspace: Workspace | None) -> dict[str, Any]:
    page = tables.keyset(
        filtered(request, workspace), request, sorts={"received": "pk"}, default="-received"
    )
    return {
        "page": page,
        "outcomes": OUTCOMES,
        "filtered": any(request.GET.get(name) for name in ("q", "outcome")),
        "on": settings.SANDBOX,
    }


def one(request: HttpRequest, mail: SandboxMail) -> dict[str, Any]:
    """The context of a mail's page, with the view that the URL asks for."""
    shown = ShownMail(bytes(mail.raw))
    default = "html" if shown.html else "text"
    wanted = request.GET.get("show", default)
    return {
        "mail": mail,
        "shown": shown,
        "images": request.GET.get("images") == "1",
        "show": wanted if wanted in VIEWS else default,
        "size": len(shown.raw),
        "asked": behaviour.of(mail.envelope_to),
        "returned": mail.outcome != SandboxOutcome.DELIVERED and mail.envelope_from,
        "waiting": mail.returns.exists(),
    }


def sandbox(request: WorkspaceRequest) -> HttpResponse:
    context = listed(request, request.workspace)
    context["count"] = SandboxMail.objects.filter(workspace=request.workspace).count()
    context["kept"] = services.KEPT
    return render(request, "sandbox/sandbox.html", context)


def sandbox_addresses(request: WorkspaceRequest) -> HttpResponse:
    rows = [(f"{each.word}@{DOMAIN}", each) for each in behaviour.BEHAVIOURS]
    offered = services.has_sandbox(request.workspace) and request.may(Permission.EDIT_CONTACTS)
    context = {"rows": rows, "offered": offered, "plain": f"anybody@{DOMAIN}", "domain": DOMAIN}
    return render(request, "sandbox/addresses.html", context)


def sandbox_mail(request: WorkspaceRequest, pk: int) -> HttpResponse:
    mail = get_in(request.workspace, SandboxMail, pk=pk)
    return render(request, "sandbox/mail.html", one(request, mail))


def sandbox_frame(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The mail's HTML, for the frame of its page. images=1: with images from other servers."""
    return _document(request, get_in(request.workspace, SandboxMail, pk=pk))


def sandbox_source(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The mail's bytes as a file."""
    return _file(get_in(request.workspace, SandboxMail, pk=pk))


@require_POST
def clear_sandbox(request: WorkspaceRequest) -> HttpResponseBase:
    count = services.clear(request.workspace)
    text = ngettext("{count} mail removed.", "{count} mails removed.", count)
    messages.success(request, text.format(count=locales.number(count)))
    return redirect("sandbox", request.workspace.slug)


@require_POST
def make_sandbox_list(request: WorkspaceRequest) -> HttpResponseBase:
    """Creates a list of sandbox addresses. 404 if the workspace has no sandbox."""
    if not services.has_sandbox(request.workspace):
        raise Http404
    made, count = services.make_list(request.workspace, language=get_language() or "en")
    text = _("The list “{list}” has {count} addresses of the sandbox. Send them a campaign.")
    messages.success(request, text.format(list=made.name, count=locales.number(count)))
    return redirect("home", request.workspace.slug)


def for_founders(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Restricts a view to people who may create workspaces: the mails contain links that
    give access."""

    @require_safe
    @login_required
    @wraps(view)
    def inside(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if not getattr(request.user, "can_create_workspaces", False):
            raise PermissionDenied
        return view(request, **kwargs)

    return inside


@for_founders
def platform_mails(request: HttpRequest) -> HttpResponse:
    return render(request, "sandbox/platform.html", listed(request, None))


@for_founders
def platform_mail(request: HttpRequest, pk: int) -> HttpResponse:
    mail = get_object_or_404(SandboxMail, workspace=None, pk=pk)
    return render(request, "sandbox/platform_mail.html", one(request, mail))


@for_founders
def platform_frame(request: HttpRequest, pk: int) -> HttpResponse:
    return _document(request, get_object_or_404(SandboxMail, workspace=None, pk=pk))


def _document(request: HttpRequest, mail: SandboxMail) -> HttpResponse:
    show = _with_images if request.GET.get("images") == "1" else _quiet
    response: HttpResponse = show(framed(ShownMail(bytes(mail.raw)).html))
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@csp.only(**FRAME)
def _quiet(document: str) -> HttpResponse:
    return HttpResponse(document)


@csp.only(**WITH_IMAGES)
def _with_images(document: str) -> HttpResponse:
    return HttpResponse(document)


def _file(mail: SandboxMail) -> HttpResponse:
    return HttpResponse(
        bytes(mail.raw),
        content_type="message/rfc822",
        headers={"Content-Disposition": f'attachment; filename="mail-{mail.pk}.eml"'},
    )
