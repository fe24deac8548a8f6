"""Imports: one page in four steps. The file is in `uploads` and the columns are in `importcolumns`;
here are check, run and result, and the list of imports."""

from typing import Any

from django.contrib import messages
from django.http import (
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from accounts.permissions import Permission
from contacts import csvdetect, names, rejects
from contacts.checkmodels import ImportCheck
from contacts.models import Import, Job
from contacts.queries import overwritten
from contacts.services import (
    importchecks,
    importchoices,
    importhints,
    importnotes,
    imports,
    importwords,
    jobs,
    rejectfile,
    scheduledjudging,
    statuswords,
    undowords,
    unfinished,
    wholechecks,
)
from contacts.statuswords import WordCounts
from contacts.tasks import check_import, look_up_domains, run_import
from contacts.views import importcolumns, scheduled
from contacts.views.jobs import in_background
from contacts.views.people import csv_response
from pages import locales, tables

# Lines with a problem on the page of an import that has ended.
SHOWN_REJECTS = 20
# The kinds of rows in the order of the bar, each with its colour.
OUTCOMES = (
    ("new", gettext_lazy("New"), "good"),
    ("updated", gettext_lazy("Updated"), "info"),
    ("unchanged", gettext_lazy("Unchanged"), "quiet"),
    ("duplicate", gettext_lazy("Twice in the file"), "quiet-2"),
    ("suppressed", gettext_lazy("Suppressed"), "warn"),
    ("rejected", gettext_lazy("Rejected"), "bad"),
)

# What happens to a person on the list.
LIST_STATUS = {
    "subscribed": gettext_lazy("subscribed"),
    "unsubscribed": gettext_lazy("unsubscribed"),
    "asked": gettext_lazy("not subscribed: waits for an answer"),
    "skip": gettext_lazy("not subscribed"),
}


def import_list(request: WorkspaceRequest) -> HttpResponse:
    page = tables.keyset(
        Import.objects.filter(workspace=request.workspace)
        .select_related("list", "created_by")
        .defer("mapping", "error"),
        request,
        sorts={"started": "pk"},
        default="-started",
    )
    return render(request, "contacts/imports.html", {"page": page})


def import_page(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Columns, or (step=check) the check, before the start; then progress and result."""
    import_ = get_in(request.workspace, Import, pk=pk)
    if import_.state == Import.State.READY and request.may(Permission.EDIT_CONTACTS):
        if request.GET.get("step") != "check" or not is_mapped(request, import_):
            return importcolumns.shown(request, import_)
        checked = _checked(import_) if request.GET.get("now") == "1" else {}
        context = {
            "import": import_,
            "step": 3,
            "choices": importchecks.choices_of(import_),
            "earlier": imports.earlier(import_),
            "fetched": scheduled.fetched(import_),
        }
        return render(request, "contacts/import_check.html", context | checked)
    arrives = import_.state == Import.State.UPLOADING and import_.size
    if arrives and request.GET.get("growing") and request.may(Permission.EDIT_CONTACTS):
        return importcolumns.growing(request, import_)
    context = {
        "import": import_,
        "step": _step(import_),
        "unread": _unread(import_),
        "fetched": scheduled.fetched(import_),
    }
    return render(request, "contacts/import_run.html", context | _figures(import_))


def _step(import_: Import) -> int:
    """The step that an import has reached, or where it stopped."""
    if import_.started_at:
        return 4
    half = import_.state in unfinished.HALF or _unread(import_) or not import_.dialect
    return 1 if half else 2


def _unread(import_: Import) -> str:
    """Why the file could not be read; "" if it could."""
    failed = import_.state == Import.State.FAILED
    return str(csvdetect.SENTENCES.get(import_.error, "")) if failed else ""


def import_check(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The result of a dry run, loaded into the page of step 3."""
    import_ = get_in(request.workspace, Import, pk=pk, state=Import.State.READY)
    if not is_mapped(request, import_):
        columns = reverse("import", args=[request.workspace.slug, import_.pk])
        return HttpResponse(status=204, headers={"HX-Redirect": columns})
    context = _checked(import_)
    whole = context.get("whole")
    if request.GET.get("growing") and whole and whole.state == ImportCheck.State.READING:
        return render(request, "contacts/parts/import_checking.html", context)
    response = render(request, "contacts/parts/import_checked.html", context)
    if request.GET.get("growing"):  # it has ended: show everything
        response["HX-Retarget"] = "#checked"
        response["HX-Reswap"] = "innerHTML"
    return response


@require_POST
def end_check(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Decide by the lines that were read so far; with `again`, check the file anew."""
    import_ = get_in(request.workspace, Import, pk=pk)
    if "again" in request.POST:
        wholechecks.again(import_)
    else:
        wholechecks.stop(import_)
    return redirect(reverse("import", args=[request.workspace.slug, import_.pk]) + "?step=check")


def is_mapped(request: WorkspaceRequest, import_: Import) -> bool:
    """Whether the chosen mapping can be used; otherwise the next page shows why not."""
    try:
        importchoices.refuse_unmapped(import_.workspace_id, import_.mapping)
    except importchoices.ImportRefusedError as error:
        messages.error(request, str(error))
        return False
    return True


def _checked(import_: Import) -> dict[str, Any]:
    """The check of a short file; of a longer one what a worker has found by now, or, until there is
    a worker, of its first lines."""
    whole = wholechecks.current(import_)
    if whole is None:
        checked = importchecks.check(import_)
        importhints.keep(import_, checked.domains)
        if import_.hints["domains"]:
            jobs.nudge(look_up_domains.delay, import_.pk)
        if checked.whole:
            return _shown(import_, checked)
        whole = wholechecks.begin(import_, checked, enqueue=check_import.delay)
    elif whole.state == ImportCheck.State.READING:
        wholechecks.asked(whole, enqueue=check_import.delay)
    return _shown(import_, wholechecks.result(whole, import_)) | {"whole": whole}


def _shown(import_: Import, checked: importchecks.Check) -> dict[str, Any]:
    scope, elsewhere = statuswords.scope(import_), checked.counts["elsewhere"]
    # Without those that the question about other lists counts.
    stopped = checked.counts["stopped"] - elsewhere * (scope == statuswords.EVERYWHERE)
    return {
        "import": import_,
        "check": checked,
        "samples": samples(checked.samples),
        "bar": bar(checked.counts),
        "stopped": stopped,
        # With `stopped`, all lines of the outcome "suppressed".
        "suppressed_before": max(0, checked.counts["suppressed"] - stopped),
        # Nothing is preselected: one choice mails people, the other suppresses them.
        "scope": statuswords.scope_said(import_),
        "asks_scope": elsewhere or (not checked.whole and importchecks.may_be_elsewhere(import_)),
        "empty": checked.whole and not checked.counts["rows"],
        "problems": sum(checked.counts[name] for name in ("rejected", "unusable", "asked")),
        "question": importwords.asked(import_, checked.words),
        "hints": importhints.of(import_),
        "notes": importnotes.notes(import_, checked.layout),
        "reasons": [
            (code, rejects.text(code), count)
            for code, count in sorted(checked.reasons.items(), key=lambda one: (-one[1], one[0]))
        ],
        "percent": min(99, 100 * checked.read // max(1, import_.size)),
        "about": _about(checked.counts["rows"], import_.size / max(1, checked.read)),
    }


def _about(rows: int, times: float) -> int:
    """So many rows times this, to two digits: an estimate must not look exact."""
    estimated = round(rows * max(1.0, times))
    return max(rows, round(estimated, 2 - len(str(estimated))))


def samples(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Judged lines for the table of a check (parts/import_samples.html)."""
    looks = {key: {"label": label, "tone": tone} for key, label, tone in OUTCOMES}
    return [
        row
        | looks[row["outcome"]]
        | {"name": names.full(row["first_name"], row["last_name"], row["full_name"])}
        | {"list_status": LIST_STATUS.get(row["listing"], "")}
        for row in rows
    ]


def bar(counts: dict[str, int]) -> list[dict[str, Any]]:
    """The kinds of rows with their share of all as x and width in percent."""
    total = max(1, sum(counts.get(key, 0) for key, _label, _tone in OUTCOMES))
    parts, x = [], 0.0
    for key, label, tone in OUTCOMES:
        count = counts.get(key, 0)
        width = 100 * count / total
        parts.append(
            {
                "key": key,
                "label": label,
                "tone": tone,
                "count": count,
                # The contacts of these outcomes are stored (contacts.queries.people).
                "has_people": key in {"new", "updated", "unchanged"},
                "x": f"{x:.3f}",
                "width": f"{width:.3f}",
            }
        )
        x += width
    return parts


@require_POST
def import_words(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Store the answers about words of status columns and check again; with `again`, import the
    file of an ended import as a new import."""
    import_ = get_in(request.workspace, Import, pk=pk)
    scope = request.POST.get("scope", "")
    said = importwords.answers(request.POST)
    changed = statuswords.answer(import_, said, by=request.user, scope=scope)
    if changed:
        text = ngettext("{count} answer is saved.", "{count} answers are saved.", changed)
        messages.success(request, text.format(count=locales.number(changed)))
    if import_.state in imports.ENDED and "again" in request.POST:
        try:
            import_ = imports.again(import_, by=request.user)
        except importchoices.ImportRefusedError as error:
            messages.error(request, str(error))
    url = reverse("import", args=[request.workspace.slug, import_.pk])
    return redirect(f"{url}?step=check" if import_.state == Import.State.READY else url)


@require_POST
def import_again(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Check the file of an ended import again, as a new import with the same choices."""
    import_ = get_in(request.workspace, Import, pk=pk)
    url = reverse("import", args=[request.workspace.slug, import_.pk])
    if import_.state not in imports.ENDED:
        return redirect(url)
    try:
        anew = imports.again(import_, by=request.user)
    except importchoices.ImportRefusedError as error:
        messages.error(request, str(error))
        return redirect(url)
    return redirect(f"{reverse('import', args=[request.workspace.slug, anew.pk])}?step=check")


@require_POST
def start_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Starts it, unless words were answered since the check: then the check is shown again."""
    import_ = get_in(request.workspace, Import, pk=pk)
    scope = request.POST.get("scope", "")
    changed = 0
    if import_.state == Import.State.READY:
        said = importwords.answers(request.POST)
        changed = statuswords.answer(import_, said, by=request.user, scope=scope)
    if changed:
        text = ngettext(
            "{count} answer is saved. See what would happen now, then start.",
            "{count} answers are saved. See what would happen now, then start.",
            changed,
        )
        messages.info(request, text.format(count=locales.number(changed)))
    elif import_.state == Import.State.READY and wholechecks.is_reading(import_):
        messages.error(
            request,
            _("The file is still being checked. Wait for it, or decide by the lines read so far."),
        )
    elif request.POST.get("asks_scope") and scope not in statuswords.SCOPES:
        messages.error(request, _("Say what “unsubscribed” in this file means, then start."))
    else:
        try:
            scheduledjudging.start(
                import_, enqueue=run_import.delay, checked=request.POST.get("checked"), scope=scope
            )
        except importchoices.ImportRefusedError as error:
            messages.error(request, str(error))
    url = reverse("import", args=[request.workspace.slug, import_.pk])
    return redirect(f"{url}?step=check" if import_.state == Import.State.READY else url)


def _figures(import_: Import) -> dict[str, Any]:
    ended = import_.state in imports.ENDED
    return {
        "progress": imports.progress(import_),
        "bar": bar(import_.counts),
        "ended": ended,
        # It ended before the end of its file.
        "stopped": ended and import_.state != Import.State.FINISHED,
        "scope": statuswords.scope(import_),
        "question": importwords.asked(import_, WordCounts(import_.words)) if ended else None,
        "file_kept": ended and import_.chunks.exists(),
        "has_rejects": any(import_.counts.get(name) for name in ("rejected", "unusable", "asked")),
        "rejects": import_.rejects.order_by("line")[:SHOWN_REJECTS] if ended else (),
        "problems": import_.rejects.count() if ended else 0,
        "seconds": imports.elapsed(import_) if import_.counts.get("rows") else 0,
        "stayed": overwritten.stayed(import_) if import_.undone_at else 0,
        "undoing": undowords.job_of(import_) if import_.undone_at else None,
        "remaining": undowords.remaining(import_) if import_.undone_at else None,
        "can_undo": ended and not import_.undone_at and import_.counts.get("rows"),
        # Called, and counted, only where the dialogue is shown.
        "undo_text": lambda: undowords.before(import_),
    }


def import_progress(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The moving part of step 4, or of step 1 while the file is being read; the whole page is
    loaded anew when it has ended."""
    import_ = get_in(request.workspace, Import, pk=pk)
    reading = import_.state == Import.State.READING
    part = "import_reading" if reading else "import_progress"
    response = render(
        request, f"contacts/parts/{part}.html", {"import": import_} | _figures(import_)
    )
    if import_.state in {*imports.ENDED, Import.State.READY}:
        response["HX-Refresh"] = "true"
    return response


@require_POST
def cancel_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    import_ = get_in(request.workspace, Import, pk=pk)
    if imports.cancel(import_):
        import_.refresh_from_db()
        stays = _("The import is cancelled. What was imported stays.")
        nothing = _("The import is cancelled: nothing was imported.")
        messages.success(request, stays if import_.counts.get("rows") else nothing)
    return redirect("import", request.workspace.slug, import_.pk)


@require_POST
def undo_import(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    import_ = get_in(request.workspace, Import, pk=pk)
    try:
        undone = imports.undo(import_, by=request.user)
    except importchoices.ImportRefusedError as error:
        messages.error(request, str(error))
    else:
        if isinstance(undone, Job):
            return in_background(request, undone)
        text = undowords.afterwards(
            undone.contacts, kept=undone.kept, mailed=undone.mailed, restored=undone.restored
        )
        messages.success(request, text)
    return redirect("import", request.workspace.slug, import_.pk)


def import_lines(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The lines that were not imported, each with its reason."""
    import_ = get_in(request.workspace, Import, pk=pk)
    page = tables.keyset(
        import_.rejects.filter(kept=False),
        request,
        sorts={"line": tables.Sort("line", nullable=False)},  # by import_reject_by_line
        default="line",
    )
    return render(request, "contacts/import_lines.html", {"import": import_, "page": page})


def import_rejects(request: WorkspaceRequest, pk: int) -> StreamingHttpResponse:
    """The rejected lines (and values that were left out) as CSV, streamed."""
    import_ = get_in(request.workspace, Import, pk=pk)
    return csv_response(f"import-{import_.pk}-rejects.csv", rejectfile.stream(import_))
