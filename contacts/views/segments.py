"""The builder of segments, and what is done with one. Their pages are in `segmentpages`."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import addresses
from contacts.forms import SegmentForm
from contacts.models import Contact
from contacts.queries import segments as query
from contacts.queries import segmentsizes
from contacts.segmentmodels import Segment
from contacts.segments import checking, drafting, nesting, rules, showing, wording
from contacts.segments.checking import RuleError
from contacts.segments.kinds import Context, Subjects
from contacts.segments.rules import Condition, Group, Path
from contacts.services import segmentkeeping, tags
from contacts.services import segments as service
from contacts.views.jobs import in_background
from pages import numbers, overtaken

# Lines of a pasted list that are named because they match nobody.
UNKNOWN = 10


# The builder -------------------------------------------------------------------------------------


def new_segment(request: WorkspaceRequest) -> HttpResponseBase:
    return _builder(request, None)


def edit_segment(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    return _builder(request, get_in(request.workspace, Segment, pk=pk))


def _builder(request: WorkspaceRequest, one: Segment | None) -> HttpResponseBase:
    """GET shows the rule. POST changes it by a button (`do`), or saves it (`do` is "save")."""
    form = SegmentForm(request.POST or None, workspace=request.workspace, one=one)
    asked = request.POST.get("do", "")
    given = request.POST if request.method == "POST" else None
    rule = drafting.read(given) if given else (query.stored(one) if one else None) or drafting.NEW
    subjects = query.subjects(request.workspace.pk, [rule], choices=True)
    changed = drafting.change(drafting.settle(rule, subjects, given), asked)
    rule = changed.rule
    problems: list[checking.Problem] = []
    if asked == "save":
        try:
            checked = checking.check(rule, subjects)
            problems = _broken_inside(request, checked)
        except RuleError as error:
            problems = error.problems
        if _may_save(form) and not problems and (saved := _save(request, form, one, checked)):
            messages.success(request, _("Saved."))
            return redirect("segment", request.workspace.slug, saved.pk)
    elif request.method == "POST":
        form.errors.clear()  # only saving asks for a name
    context = {
        "form": form,
        "segment": one,
        "version": one.version if one else 0,
        "tree": _tree(request, rule, subjects, problems or checking.gone(rule, subjects)),
        "problems": problems,
        "focus": changed.focus,
        "builder_url": request.path,
        # What was typed is not saved yet.
        "came_back": request.method == "POST",
    }
    if request.htmx:
        return render(request, "contacts/parts/segment_tree.html", context)
    return render(request, "contacts/segment_form.html", context)


def _broken_inside(request: WorkspaceRequest, rule: Group) -> list[checking.Problem]:
    """A problem for each condition about a segment that can't be used."""
    if not nesting.used(rule):
        return []
    found = segmentsizes.unusable(request.workspace.pk)
    broken = {str(number): missing for number, missing in found.items()}
    return [
        _about_inner(path, one.label, broken[one.subject])
        for path, one in rules.walk(rule)
        if isinstance(one, Condition) and one.kind == nesting.SEGMENT and one.subject in broken
    ]


def _about_inner(path: Path, name: str, missing: str) -> checking.Problem:
    if missing:
        return checking.unfinished(path, name, missing)
    text = _(
        "“{name}” can't be used: something in its rule no longer exists. Edit that segment first,"
        " or choose another."
    )
    return checking.Problem(path, checking.SUBJECT, text.format(name=name))


def _tree(
    request: WorkspaceRequest, rule: Group, subjects: Subjects, problems: list[checking.Problem]
) -> showing.Item:
    # After a button, the places of conditions may be others than those of the form.
    form = request.POST if not request.POST.get("do", "").startswith("remove") else None
    searches = showing.searched(form, rule, request.workspace.pk)
    return showing.shown(rule, subjects, problems, searches)


def _may_save(form: SegmentForm) -> bool:
    return form.is_valid() and not overtaken.is_overtaken(form)


def _save(
    request: WorkspaceRequest, form: SegmentForm, one: Segment | None, rule: Group
) -> Segment | None:
    """None: the form has an error that says why not."""
    name = form.cleaned_data["name"]
    try:
        if one is None:
            return service.create(request.workspace, name=name, rule=rule, by=request.user)
        version = numbers.whole(request.POST.get("version", "")) or 0
        return service.change(one, name=name, rule=rule, version=version, by=request.user)
    except service.SegmentError as error:
        form.add_error(None, str(error))
        return None


@require_POST
def segment_preview(request: WorkspaceRequest) -> HttpResponse:
    """How many contacts match the rule of the builder's form, their share, and some of them."""
    context: dict[str, Any] = {}
    if found := _checked(request, context):
        rule, known = found
        context["hints"] = drafting.wrong(rule, checking.hopeless(rule, known.subjects))
        try:
            with query.patient():
                context["count"] = query.count(*found)
                context["everybody"] = query.everybody(request.workspace)
                context["people"] = query.sample(*found)
                context["lists"] = _unmatched(request, found[0])
        except query.TooSlowError:
            context["slow"] = True
    return render(request, "contacts/parts/segment_preview.html", context)


def _unmatched(request: WorkspaceRequest, rule: Group) -> list[dict[str, Any]]:
    """For each pasted list of addresses: how many lines it has, and those that match nobody."""
    return [
        {
            "place": drafting.name(path),
            "lines": lines,
            "count": len(unknown),
            "unknown": [addresses.display(line) for line in unknown[:UNKNOWN]],
        }
        for path, (lines, unknown) in query.unmatched(rule, request.workspace).items()
    ]


@require_POST
def explain_segment(request: WorkspaceRequest) -> HttpResponse:
    """How many contacts remain after each condition."""
    context: dict[str, Any] = {}
    if found := _checked(request, context):
        rule, known = found
        try:
            with query.patient():
                context["everybody"] = query.everybody(request.workspace)
                steps = query.steps(rule, known)
        except query.TooSlowError:
            context["slow"] = True
        else:
            context["match"] = rule.match
            context["steps"] = [
                {"step": step, "words": wording.item(step.item, known.subjects)} for step in steps
            ]
    return render(request, "contacts/parts/segment_explain.html", context)


@require_POST
def ask_segment(request: WorkspaceRequest) -> HttpResponse:
    """Whether one contact matches each condition, with the value found."""
    context: dict[str, Any] = {}
    if found := _checked(request, context):
        rule, known = found
        person = _person(request)
        context |= {"person": person, "asked": request.POST.get("person", "").strip()}
        if person is not None:
            try:
                with query.patient():
                    answers = query.ask(rule, known, person)
            except query.TooSlowError:
                context["slow"] = True
            else:
                context["matches"] = answers[0].matches
                context["answers"] = [
                    {
                        "answer": one,
                        "depth": len(one.path),
                        "words": wording.line(one.item, known.subjects),
                    }
                    for one in answers[1:]
                ]
    return render(request, "contacts/parts/segment_asked.html", context)


def _person(request: WorkspaceRequest) -> Contact | None:
    try:
        email = addresses.normalise(request.POST.get("person", ""))
    except addresses.AddressError:
        return None
    return Contact.objects.filter(workspace=request.workspace, email=email).first()


def _checked(request: WorkspaceRequest, context: dict[str, Any]) -> tuple[Group, Context] | None:
    """The rule of the form; None if it is incomplete or can't be used, as the context then says."""
    draft = drafting.read(request.POST)
    rule = drafting.settle(draft, query.subjects(request.workspace.pk, [draft]), request.POST)
    try:
        return query.context(request.workspace, rule)
    except RuleError as error:
        context["incomplete"] = True
        context["wrong"] = drafting.wrong(rule, error.problems)
    except (query.BrokenError, nesting.NestingError):
        context["broken"] = True
    return None


# Actions -----------------------------------------------------------------------------------------


@require_POST
def restore_segment(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Back to the rule of an earlier version, as a new version."""
    one = get_in(request.workspace, Segment, pk=pk)
    number = numbers.whole(request.POST.get("version", ""))
    if number is None:
        raise BadRequest
    try:
        service.restore(one, number, by=request.user)
    except service.SegmentError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The rule of version {number} is back.").format(number=number))
    return redirect("segment", request.workspace.slug, one.pk)


@require_POST
def keep_segment(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Keep who is in it now, as a segment that does not change."""
    one = get_in(request.workspace, Segment, pk=pk)
    try:
        return in_background(request, segmentkeeping.keep(one, by=request.user))
    except query.UnusableError:
        messages.error(request, _("The rule names something that no longer exists. Edit it first."))
    except (service.SegmentError, tags.TagError) as error:
        messages.error(request, str(error))
    return redirect("segment", request.workspace.slug, one.pk)


@require_POST
def delete_segment(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Segment, pk=pk)
    try:
        service.delete(one)
    except service.SegmentError as error:
        messages.error(request, str(error))
        return redirect("segment", request.workspace.slug, one.pk)
    messages.success(request, _("{name} was deleted.").format(name=one.name))
    return redirect("segments", request.workspace.slug)
