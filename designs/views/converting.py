"""The page that lists merge tags of other programs, and converts them as the person chooses."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from designs import fields, services
from designs.foreign import CONVERT, PLAIN, Foreign, distinct
from designs.foreignwords import program_name
from designs.models import Design
from designs.services import DesignConflictError, DesignError
from pages import numbers


def convert_design(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Shows a row for each different tag, with our proposal. POST converts the tags."""
    one = get_in(request.workspace, Design, pk=pk)
    known = fields.known(request.workspace)
    rows = list(distinct(services.foreign_tags(one, known)))
    if request.method == "POST":
        chosen = _chosen(request, [tag for tag, _times in rows])
        version = request.POST.get("version", "")
        try:
            count = services.convert_tags(
                one,
                known,
                chosen=chosen,
                version=numbers.whole(version) or 0,
                by=request.user,
            )
        except DesignConflictError as error:
            messages.error(request, str(error))
            return redirect("convert_design", request.workspace.slug, pk)
        text = ngettext(
            "%(count)d merge tag is converted.", "%(count)d merge tags are converted.", count
        )
        messages.success(request, text % {"count": count})
        return redirect("design", request.workspace.slug, pk)
    return _page(request, one, rows)


@require_POST
def undo_conversion(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Design, pk=pk)
    try:
        services.undo_conversion(one, by=request.user)
    except DesignError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The merge tags are as they were before."))
    return redirect("design", request.workspace.slug, pk)


def _page(request: WorkspaceRequest, one: Design, rows: list[tuple[Foreign, int]]) -> HttpResponse:
    offered = fields.offered(request.workspace)
    context: dict[str, Any] = {
        "design": one,
        "rows": [
            {
                "number": number,
                "tag": tag,
                "program": program_name(tag.program),
                "count": count,
                "choice": _proposed(tag),
            }
            for number, (tag, count) in enumerate(rows)
        ],
        "groups": fields.grouped(offered),
        "convert": CONVERT,
        "plain": PLAIN,
    }
    return render(request, "designs/convert.html", context)


def _proposed(tag: Foreign) -> str:
    return CONVERT if tag.made and tag.sure else ""


def _chosen(request: WorkspaceRequest, tags: list[Foreign]) -> dict[str, str]:
    """{tag: choice}. A value that isn't offered counts as no choice. Each row names its tag,
    because the design may have changed since."""
    allowed = {CONVERT, PLAIN, *(field.key for field in fields.offered(request.workspace))}
    given = {
        request.POST.get(f"tag-{n}", ""): request.POST.get(f"choice-{n}", "")
        for n in range(len(tags))
    }
    choices = {tag.text: given.get(tag.text, "") for tag in tags}
    return {text: choice if choice in allowed else "" for text, choice in choices.items()}
