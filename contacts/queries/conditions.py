"""The conditions of segments about contacts, imports, suppressions and other segments; those about
lists and tags have modules of their own."""

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from json import loads

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts import addresses, attributevalues
from contacts.models import Attribute, Import, Indexing, Suppression
from contacts.queries import (
    fullnames,
    listconditions,  # noqa: F401 - registers those about lists
    openconditions,  # noqa: F401 - registers that about the consent for opens
    tagconditions,  # noqa: F401 - registers that about tags
    ways,
)
from contacts.queries.people import as_stored
from contacts.segmentmodels import Segment
from contacts.segments import compiling, indexed, operators, predicates, shares
from contacts.segments.kinds import ConditionKind, Context, Match, Subject, ids, kinds
from contacts.segments.nesting import SEGMENT
from contacts.segments.operators import Operator, Takes
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, put
from contacts.segments.wording import NO_VALUE, day
from pages import locales

# Imports to choose from: the latest.
MOST_IMPORTS = 100


# Attributes --------------------------------------------------------------------------------------


def _attributes(workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    for one in Attribute.objects.filter(workspace=workspace_id):
        choices = tuple((text, text) for text in one.choices)
        indexed = one.pk if one.indexing == Indexing.READY else 0
        known = operators.BY_TYPE[one.type]
        yield Subject(one.key, one.label, known, choices, one.type, indexed=indexed)


# {type: the condition on its value as text, or as jsonb}; other types are texts.
ON_DAYS = {"date": predicates.date, "day": predicates.day}
ON_JSON = {
    "number": predicates.number,
    "boolean": predicates.boolean,
    "choices": predicates.several,
    "objects": predicates.objects,
}


def _attribute(one: Condition, subject: Subject, context: Context) -> Match:
    if subject.indexed and (found := indexed.match(one, subject.indexed, subject.type, context)):
        return found
    key = given(one.subject, "text")
    text, json = put("(c.attributes ->> {})", key), put("(c.attributes -> {})", key)
    if subject.type in ON_DAYS:
        return Match(ON_DAYS[subject.type](text, one, context.today))
    if subject.type in ON_JSON:
        return Match(ON_JSON[subject.type](json, one))
    return Match(predicates.text(text, one))


def _attribute_told(subject: Subject, value: str | None) -> str:
    if value is None or value == "":
        return NO_VALUE
    if subject.type == "boolean":
        return _("Yes") if value == "true" else _("No")
    if subject.type == "date":
        return day(value)
    if subject.type in {"choices", "objects"}:
        with suppress(ValueError):  # else it is a text of another type
            return attributevalues.shown(subject.type, loads(value))
    return attributevalues.shown(subject.type, value)


kinds.add(
    ConditionKind(
        "attribute",
        gettext_lazy("Attributes"),
        _attributes,
        _attribute,
        lambda one, _subject, _context: put("c.attributes ->> {}", given(one.subject, "text")),
        _attribute_told,
        flat=True,
    ),
    order=20,
)


# Name, address, date -----------------------------------------------------------------------------

# {subject: (label, operators, SQL of its value)}
PERSON: Mapping[str, tuple[Promise, tuple[Operator, ...], str]] = {
    "email": (gettext_lazy("E-mail address"), operators.ALWAYS, "c.email"),
    "domain": (gettext_lazy("Domain of the address"), operators.ALWAYS, "c.domain"),
    "first_name": (gettext_lazy("First name"), operators.TEXT, "c.first_name"),
    "last_name": (gettext_lazy("Last name"), operators.TEXT, "c.last_name"),
    "full_name": (gettext_lazy("Full name"), operators.TEXT, fullnames.of("c")),
    "created": (gettext_lazy("Date added"), operators.MOMENT, "c.created_at"),
}


def _person_subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    types = {"email": "email", "domain": "domain"}
    return [
        Subject(
            key,
            label,
            ways,
            type=types.get(key, ""),
            in_line=addresses.in_line if key == "email" else None,
        )
        for key, (label, ways, _sql) in PERSON.items()
    ]


def _person(one: Condition, _subject: Subject, context: Context) -> Match:
    value = Sql(PERSON[one.subject][2])
    if one.subject == "created":
        return Match(predicates.moment(value, one, context.today, context.zone))
    if one.subject in {"email", "domain"}:
        typed = tuple(as_stored(str(text).removeprefix("@")) for text in one.values)
        one = Condition(one.kind, one.subject, one.operator, typed)
        # Addresses are stored in this form, and their indexes have it.
        return Match(predicates.of_folded(value, one))
    return Match(predicates.text(value, one))


def _person_value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    return Sql(f"({PERSON[one.subject][2]})::text")


def _person_told(subject: Subject, value: str | None) -> str:
    if subject.key == "created":
        return day(value or "")
    return (
        addresses.display(value or "") or NO_VALUE if subject.key == "email" else value or NO_VALUE
    )


kinds.add(
    ConditionKind(
        "person",
        gettext_lazy("Contact"),
        _person_subjects,
        _person,
        _person_value,
        _person_told,
        flat=True,
    ),
    order=10,
)


# Imports -----------------------------------------------------------------------------------------

IN_IMPORT = (
    Operator("in", gettext_lazy("has the contact"), gettext_lazy("is in the import {subject}")),
    Operator(
        "new", gettext_lazy("added the contact"), gettext_lazy("was added by the import {subject}")
    ),
    Operator(
        "not_in",
        gettext_lazy("does not have the contact"),
        gettext_lazy("is not in the import {subject}"),
    ),
)


def _import_subjects(workspace_id: int, keys: Collection[str]) -> Iterable[Subject]:
    ended = Import.objects.filter(workspace=workspace_id, state=Import.State.FINISHED)
    latest = ended.order_by("-pk").values_list("pk", "filename", "created_at")[:MOST_IMPORTS]
    wanted = ended.filter(pk__in=ids(keys)).values_list("pk", "filename", "created_at")
    for pk, name, at in sorted({*latest, *wanted}, reverse=True):
        label = _("{file}, {day}").format(file=name, day=locales.day(at))
        yield Subject(str(pk), label, IN_IMPORT, named=True)


def _import(one: Condition, _subject: Subject, _context: Context) -> Match:
    rows = put(
        "SELECT i.contact_id FROM contacts_importedcontact i WHERE i.import_id = {}",
        given(int(one.subject), "bigint"),
    )
    if one.operator == "new":
        rows = put("{} AND i.outcome = 'new'", rows)
    return Match(rows, people=True, without=one.operator == "not_in")


def _import_value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    return put(
        "(SELECT i.outcome FROM contacts_importedcontact i"
        " WHERE i.contact_id = c.id AND i.import_id = {})",
        given(int(one.subject), "bigint"),
    )


OUTCOMES = {
    "new": gettext_lazy("added"),
    "updated": gettext_lazy("updated"),
    "unchanged": gettext_lazy("unchanged"),
}


def _import_told(_subject: Subject, value: str | None) -> str:
    return str(OUTCOMES.get(value, value)) if value else _("not in it")


kinds.add(
    ConditionKind(
        "import", gettext_lazy("Import"), _import_subjects, _import, _import_value, _import_told
    ),
    order=50,
)


# Suppressions ------------------------------------------------------------------------------------

SUPPRESSED = (
    Operator("yes", gettext_lazy("is suppressed"), gettext_lazy("is suppressed")),
    Operator("no", gettext_lazy("is not suppressed"), gettext_lazy("is not suppressed")),
    Operator(
        "because",
        gettext_lazy("is suppressed because of"),
        gettext_lazy("is suppressed because of: {value}"),
        Takes.CHOICE,
    ),
)
STOPPED = (
    "SELECT c.id AS contact_id FROM contacts_suppression s JOIN contacts_contact c"
    " ON c.workspace_id = {workspace} AND {rule}"
)


def _rules(workspace_id: int) -> list[Sql]:
    """Conditions on a suppression `s` and a contact `c`: one for each way in which contacts of the
    workspace are suppressed now."""
    return [
        Sql(
            way.condition("s", address="c.email", workspace=str(workspace_id), keys=("%s", "%s")),
            tuple(way.blocks),
        )
        for way in ways.of(workspace_id).all
    ]


def _suppressed_subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    choices = tuple((str(key), label) for key, label in Suppression.Reason.choices)
    return [Subject("", gettext_lazy("Suppression"), SUPPRESSED, choices)]


def _suppressed(one: Condition, _subject: Subject, context: Context) -> Match:
    found = []
    for rule in _rules(context.workspace_id):
        rows = put(STOPPED.format(rule="{}", workspace=int(context.workspace_id)), rule)
        if one.operator == "because":
            rows = put("{} AND s.reason = {}", rows, given(one.values[0], "text"))
        found.append(rows)
    rows = put(" UNION ".join(["{}"] * len(found)), *found)
    return Match(rows, people=True, without=one.operator == "no")


def _suppressed_value(_one: Condition, _subject: Subject, context: Context) -> Sql:
    rules = _rules(context.workspace_id)
    each = ["SELECT s.reason FROM contacts_suppression s WHERE {}"] * len(rules)
    return put(f"(SELECT reason FROM ({' UNION ALL '.join(each)}) stop LIMIT 1)", *rules)  # noqa: S608 - ours


def _suppressed_told(subject: Subject, value: str | None) -> str:
    return str(dict(subject.choices).get(value, value)) if value else _("not suppressed")


kinds.add(
    ConditionKind(
        "suppressed",
        gettext_lazy("Contact"),
        _suppressed_subjects,
        _suppressed,
        _suppressed_value,
        _suppressed_told,
        flat=True,
    ),
    order=15,
)


# Random shares ---------------------------------------------------------------------------------

SHARES = (
    Operator(
        "in",
        gettext_lazy("is"),
        gettext_lazy("is in the random share from {value}% to {second}% (code {code})"),
        Takes.SHARE,
    ),
)


def _share_subjects(_workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    return [Subject("", gettext_lazy("Random share"), SHARES)]


def _share_value(one: Condition, _subject: Subject, _context: Context) -> Sql:
    """Its place in percent."""
    return put("({} / 100.0)::numeric(5, 2)::text", shares.place(Sql("c.id"), str(one.values[2])))


kinds.add(
    ConditionKind(
        "share",
        gettext_lazy("Contact"),
        _share_subjects,
        lambda one, _subject, _context: Match(shares.within(Sql("c.id"), one.values)),
        _share_value,
        lambda _subject, value: _("at {place}%").format(place=value),
        flat=True,
    ),
    order=16,
)


# Other segments ----------------------------------------------------------------------------------

IN_SEGMENT = (
    Operator("in", gettext_lazy("has the contact"), gettext_lazy("is in the segment {subject}")),
    Operator(
        "not_in",
        gettext_lazy("does not have the contact"),
        gettext_lazy("is not in the segment {subject}"),
    ),
)


def _segment_subjects(workspace_id: int, _keys: Collection[str]) -> Iterable[Subject]:
    own = Segment.objects.filter(workspace=workspace_id).order_by("name")
    return [
        Subject(str(pk), name, IN_SEGMENT, named=True) for pk, name in own.values_list("pk", "name")
    ]


def _segment(one: Condition, _subject: Subject, context: Context) -> Match:
    rows = compiling.once(context.rules[int(one.subject)], context)
    return Match(rows, people=True, without=one.operator == "not_in")


kinds.add(
    ConditionKind(
        SEGMENT,
        gettext_lazy("Another segment"),
        _segment_subjects,
        _segment,
        lambda _one, _subject, _context: Sql("NULL::text"),
        lambda _subject, _value: "",
    ),
    order=90,
)
