"""Suppressions from a file: upload, check, take over."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts.queries import patternmatches
from contacts.services import suppressionfiles as service
from contacts.services.suppressions import TooManyPatternsError
from contacts.suppressionforms import SuppressionFileForm
from contacts.suppressionlines import MOST_BYTES, PATTERN, LinesError, ReadLines, said
from contacts.suppressionmodels import Suppression, SuppressionFile
from contacts.views.suppressing import FEW, PatternPreview, say_added
from pages import locales

# Lines that the check shows of each kind.
SHOWN = 100


@dataclass(frozen=True, slots=True)
class LeftOutLine:
    line: int
    text: str
    why: str


def import_suppressions(request: WorkspaceRequest) -> HttpResponseBase:
    """Receives the file and shows its check."""
    form = SuppressionFileForm()
    if request.method == "POST":
        form = SuppressionFileForm(request.POST, request.FILES)
    if form.is_valid():
        upload = form.cleaned_data["file"]
        name = upload.name if upload else _("Pasted")
        # One byte above the limit is enough to refuse it.
        data = (
            upload.read(MOST_BYTES + 1) if upload else form.cleaned_data["pasted"].encode("utf-8")
        )
        try:
            file = service.receive(request.workspace, name=name, data=data, by=request.user)
        except LinesError as error:
            form.add_error("file" if upload else "pasted", str(error))
        else:
            return redirect("suppression_file", request.workspace.slug, file.pk)
    return render(request, "contacts/suppressions_import.html", {"form": form})


def suppression_file(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """What the file would do; nothing is suppressed yet."""
    file = get_in(request.workspace, SuppressionFile, pk=pk)
    return _check(request, file, {})


def _check(
    request: WorkspaceRequest, file: SuppressionFile, answers: dict[str, str]
) -> HttpResponse:
    read = ReadLines.from_json(file.lines)
    given = [line.entry for line in read.lines if line.entry.kind == PATTERN][:SHOWN]
    matches = patternmatches.count(file.workspace, [one.like_text for one in given])
    asked = sum(number for _text, number in read.words.values())
    context = {
        "file": file,
        "ready": len(read.lines) - asked,
        "left_out": read.left_out,
        "problems": [LeftOutLine(line, text, said(why)) for line, text, why in read.problems][
            :SHOWN
        ],
        "words": [
            (key, text, number, answers.get(key, "")) for key, (text, number) in read.words.items()
        ],
        "meanings": [(one.value, one.label) for one in service.MEANINGS],
        "patterns": [
            PatternPreview(one.value, number)
            for one, number in zip(given, matches.each, strict=True)
        ],
        "total": matches.total,
        "few": FEW,
        "samples": read.lines[:20],
        "reasons": dict(Suppression.Reason.choices),
    }
    return render(request, "contacts/suppressions_check.html", context)


@require_POST
def start_suppression_file(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    file = get_in(request.workspace, SuppressionFile, pk=pk)
    answers = {
        key.removeprefix("word_"): str(value)
        for key, value in request.POST.items()
        if key.startswith("word_")
    }
    problem = _everybody(file)
    try:
        result = None if problem else service.take_over(file, answers, by=request.user)
    except TooManyPatternsError as error:
        problem, result = str(error), None
    if problem:
        messages.error(request, problem)
        return _check(request, file, answers)
    if result is not None:
        url = reverse("undo_added", args=[request.workspace.slug])
        say_added(request, result.made, result.source, url)
        for text in _others(result):
            messages.info(request, text)
    return redirect("suppressions", request.workspace.slug)


def _everybody(file: SuppressionFile) -> str:
    """A sentence if a pattern of the file matches all contacts; else ""."""
    read = ReadLines.from_json(file.lines)
    given = [line.entry for line in read.lines if line.entry.kind == PATTERN]
    found = patternmatches.count(file.workspace, [one.like_text for one in given])
    for one, number in zip(given, found.each, strict=True):
        if number == found.total >= FEW:
            text = _("{pattern} matches all of your {count} contacts. Take it out of the file.")
            return text.format(pattern=one.value, count=locales.number(found.total))
    return ""


def _others(result: service.FileResult) -> Iterator[str]:
    if result.known:
        text = ngettext(
            "{count} was suppressed already.", "{count} were suppressed already.", result.known
        )
        yield text.format(count=locales.number(result.known))
    if result.left_out:
        text = ngettext(
            "{count} line was left out.", "{count} lines were left out.", result.left_out
        )
        yield text.format(count=locales.number(result.left_out))
