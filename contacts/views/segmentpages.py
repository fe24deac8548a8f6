"""Pages of segments: the list, and one segment with its daily counts and its versions."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest, get_in
from accounts.models import Workspace
from contacts.queries import keptpeople, segmentdays, segmentsizes
from contacts.queries import segments as query
from contacts.segmentmodels import Segment, SegmentDay, SegmentVersion
from contacts.segments import nesting, rules, wording
from contacts.segments.checking import RuleError
from contacts.segments.rules import Group
from contacts.services import jobs, segmentkeeping
from contacts.services import segments as service
from pages import locales

# Rules in memory at a time: pasted lists may be long. Characters of a rule's words in a table.
AT_ONCE = 20
LONGEST = 300
# Days of the chart of sizes.
CHART_DAYS = 90


def segments(request: WorkspaceRequest) -> HttpResponse:
    own = Segment.objects.filter(workspace=request.workspace).order_by("name")
    uses: dict[int, set[int]] = {}

    def read() -> Iterator[Group]:
        for one in own.iterator(AT_ONCE):
            if (rule := query.stored(one)) is not None:
                uses[one.pk] = nesting.used(rule)
                yield rule

    subjects = query.subjects(request.workspace.pk, read())
    rows: list[dict[str, Any]] = []
    for one in own.iterator(AT_ONCE):
        rule = query.stored(one)
        words = wording.rule(rule, subjects) if rule else ""
        rows.append({"pk": one.pk, "name": one.name, "words": Truncator(words).chars(LONGEST)})
    for row in rows:
        row["users"] = [other for other in rows if row["pk"] in uses.get(other["pk"], ())]
    return render(request, "contacts/segments.html", {"rows": rows})


def segment_page(request: WorkspaceRequest, pk: int) -> HttpResponse:
    one = get_in(request.workspace, Segment, pk=pk)
    versions = list(one.versions.select_related("made_by").order_by("-number")[:AT_ONCE])
    read = {version.number: _rule_of(version) for version in versions}
    current = query.stored(one)
    known = [rule for rule in (current, *read.values()) if rule is not None]
    subjects = query.subjects(request.workspace.pk, known)
    context = {
        "segment": one,
        "rule_words": wording.rule(current, subjects) if current else "",
        "pasted": _pasted(current) if current else [],
        "history": [
            {"version": version, "words": wording.rule(rule, subjects) if rule else ""}
            for version in versions
            for rule in (read[version.number],)
        ],
        "users": service.used_by(one),
        "sent": service.sent_to(one),
        "keep_name": segmentkeeping.name_for(one),
        "wrong": _wrong(request.workspace, current) if current else [],
        **_kept(one),
        **_counts(one),
    }
    return render(request, "contacts/segment.html", context)


def _kept(one: Segment) -> dict[str, Any]:
    """What is missing, if it keeps the people of a day and has not got all of them."""
    missing = keptpeople.of_segment(one.workspace_id, one.pk)
    if missing is None:
        return {}
    return {"missing": missing, "may_finish": jobs.may_go_on(missing.job)}


def _wrong(workspace: Workspace, rule: Group) -> list[str]:
    """Why the rule can't be used."""
    try:
        query.context(workspace, rule)
    except RuleError as error:
        return [problem.text for problem in error.problems]
    except (query.BrokenError, nesting.NestingError):
        return [
            _(
                "A segment that the rule uses can't be used: something in it no longer exists, it"
                " is not complete, or it leads back to itself. Edit that segment, or remove the"
                " condition."
            )
        ]
    return []


def _counts(one: Segment) -> dict[str, Any]:
    """Its daily counts: the latest, who joined and left, and all of them as a chart and a table."""
    today = timezone.localdate(timezone=ZoneInfo(one.workspace.timezone))
    days = segmentdays.history(one, today - dt.timedelta(days=CHART_DAYS - 1), today)
    counted = next((day for day in days if day.size is not None), None)
    changed = segmentdays.rule_changes(one, days)
    return {
        "latest": days[0] if days else None,
        "counted": counted,
        "since": locales.day(counted.since) if counted and counted.since else "",
        "changes": segmentdays.changes(counted) if counted and counted.kept else [],
        "too_large": counted and not counted.kept,
        "most_kept": segmentdays.MOST_KEPT,
        "chart": _chart(days, changed) if counted else None,
        "days": [(day, locales.day(day.day), changed.get(day.pk)) for day in days],
        "rule_changes": locales.listed([*map(locales.day, sorted({*changed.values()}))]),
        "changed_day": locales.day(changed[counted.pk])
        if counted and counted.pk in changed
        else "",
    }


def _chart(days: Sequence[SegmentDay], changed: Mapping[int, dt.date]) -> dict[str, Any]:
    """The sizes from the first count to the last; a day without one has a gap. `marks`: the first
    count of each new rule, by its place."""
    sizes = {day.day: day.size for day in days}
    first, last = min(sizes), max(sizes)
    calendar = [first + dt.timedelta(days=number) for number in range((last - first).days + 1)]
    return {
        "labels": [day.isoformat() for day in calendar],
        "series": [{"name": _("Contacts"), "values": [sizes.get(day) for day in calendar]}],
        "marks": sorted((day.day - first).days for day in days if day.pk in changed),
    }


def _pasted(rule: Group) -> list[Sequence[str]]:
    """The lines of its pasted lists that words name only in part."""
    return [
        one.values
        for one in rules.conditions(rule)
        if one.operator in {"one_of", "none_of"} and len(one.values) > wording.NAMED
    ]


def _rule_of(version: SegmentVersion) -> Group | None:
    try:
        return rules.read(version.rule)
    except rules.ShapeError:
        return None


def segment_count(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The number of its contacts, for pages that show several segments."""
    one = get_in(request.workspace, Segment, pk=pk)
    context: dict[str, Any] = {"segment": one}
    try:
        found = query.usable(one)
        with query.patient():
            context["count"] = query.count(*found)
        segmentsizes.keep(one, context["count"])
    except query.UnusableError as error:
        context |= {"broken": True, "missing": error.incomplete}
    except query.TooSlowError:
        context["slow"] = True
    return render(request, "contacts/parts/segment_count.html", context)
