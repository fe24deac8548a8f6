"""The filters of the page of contacts that are conditions of segments: mails, the domain of the
address, and an attribute. The segments' code checks their values and makes the SQL, so each rule
exists once.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import QueryDict
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts import values
from contacts.exceptions import ContactsError
from contacts.models import Attribute, Contact, Indexing
from contacts.segments import checking, compiling
from contacts.segments.checking import RuleError
from contacts.segments.kinds import Context, Subject, Subjects, kinds
from contacts.segments.operators import BY_TYPE, TEXT, Operator, Takes
from contacts.segments.rules import ALL, Condition, Group

# Kinds of conditions with their subjects. That about mails is of an app to the right.
MAIL, ANY_MAIL = "mail", "any"
PERSON, DOMAIN = "person", "domain"
ATTRIBUTE = "attribute"
# How the value of an attribute is compared; the first one needs no value.
MATCHES: Mapping[str, str | Promise] = {
    "filled": gettext_lazy("has a value"),
    "is": gettext_lazy("is"),
    "contains": gettext_lazy("contains"),
    "blank": gettext_lazy("has no value"),
}
# {type: the segments' operator for "is"}; that of a yes or no depends on the value.
IS = {
    "text": "is",
    "choice": "one_of",
    "number": "equal",
    "date": "on",
    "day": "on",
    "choices": "has_any",
}
TEXTS = ("text", "choice")
PARAMETERS = ("activity", "within", "domain", "attribute", "match", "value")


class FilterError(ContactsError, ValueError):
    """A filter can't be used as it is; the text says what to do, for users."""


def activities() -> list[Operator]:
    """What a mail to a contact can have led to, or not: the operators that ask how often."""
    subject = _mails()
    takes = {Takes.TIMES, Takes.WITHIN}
    return [one for one in subject.operators if one.takes in takes] if subject else []


def _mails() -> Subject | None:
    if (kind := kinds.get(MAIL)) is None:
        return None
    # Campaigns that it could be about, too, are not looked for.
    return next((one for one in kind.subjects(0, ()) if one.key == ANY_MAIL), None)


def filtered(
    people: QuerySet[Contact],
    workspace: Workspace,
    parameters: QueryDict,
    *,
    at: dt.datetime | None = None,
) -> QuerySet[Contact]:
    """Those of the contacts who match these filters: nobody if one of them can't be used."""
    try:
        checked = _checked(workspace, parameters)
    except (FilterError, RuleError):
        return people.none()
    if checked is None:
        return people
    rule, known = checked
    zone = ZoneInfo(workspace.timezone)
    today = (at or timezone.now()).astimezone(zone).date()
    found = compiling.people(rule, Context(workspace.pk, today, zone, known))
    return people.filter(pk__in=RawSQL(found.text, found.parameters))  # noqa: S611 - what people typed is a parameter


def problem(workspace: Workspace, parameters: QueryDict) -> str:
    """Why one of these filters can't be used, for users; "" if all can."""
    try:
        _checked(workspace, parameters)
    except FilterError as error:
        return str(error)
    except RuleError as error:
        return error.problems[0].text
    return ""


def _checked(workspace: Workspace, parameters: QueryDict) -> tuple[Group, Subjects] | None:
    """Raises FilterError or RuleError."""
    found = list(_conditions(workspace, parameters))
    if not found:
        return None
    subjects: dict[str, list[Subject]] = {}
    for one, subject in found:
        subjects.setdefault(one.kind, []).append(subject)
    known = Subjects(subjects)
    rule = Group(ALL, tuple(one for one, _subject in found))
    return checking.check(rule, known), known


def _conditions(workspace: Workspace, parameters: QueryDict) -> Iterator[tuple[Condition, Subject]]:
    if activity := parameters.get("activity", ""):
        yield _activity(activity, parameters.get("within", ""))
    elif parameters.get("within", "").strip():
        raise FilterError(_("Choose what happened to mails in these days, or empty the days."))
    if domain := parameters.get("domain", "").strip():
        subject = next(one for one in kinds[PERSON].subjects(0, ()) if one.key == DOMAIN)
        yield Condition(PERSON, DOMAIN, "is", (domain,)), subject
    if key := parameters.get("attribute", ""):
        yield _attribute(workspace, key, parameters)
    elif parameters.get("match", "") or parameters.get("value", "").strip():
        raise FilterError(_("Choose the attribute to compare, or empty its value."))


def _activity(activity: str, days: str) -> tuple[Condition, Subject]:
    subject = _mails()
    operator = subject.operator(activity) if subject else None
    if subject is None or operator not in activities():
        raise FilterError(_("The filter about mails is not known. Choose another one."))
    given = ("1", days) if operator and operator.takes == Takes.TIMES else (days,)
    return Condition(MAIL, ANY_MAIL, activity, given), subject


def _attribute(workspace: Workspace, key: str, parameters: QueryDict) -> tuple[Condition, Subject]:
    own = Attribute.objects.filter(workspace=workspace, key=key).first()
    if own is None:
        text = _("The attribute {name} does not exist any more. Choose another one.")
        raise FilterError(text.format(name=key[:50]))
    indexed = own.pk if own.indexing == Indexing.READY else 0
    subject = Subject(own.key, own.label, _operators(own), (), own.type, indexed=indexed)
    match = parameters.get("match", "") or next(iter(MATCHES))
    if match not in MATCHES:
        raise FilterError(_("Choose how to compare."))
    text = values.clean(parameters.get("value", ""))
    if match in {"is", "contains"}:
        if not text:
            raise FilterError(_("Enter a value for {name}.").format(name=own.label))
        operator, value = _compared(own, match, text)
        return Condition(ATTRIBUTE, own.key, operator, value), subject
    return Condition(ATTRIBUTE, own.key, match), subject


def _operators(attribute: Attribute) -> tuple[Operator, ...]:
    # Also those of texts: a choice may contain a text.
    return (*BY_TYPE[attribute.type], *TEXT) if attribute.type in TEXTS else BY_TYPE[attribute.type]


def _compared(attribute: Attribute, match: str, text: str) -> tuple[str, tuple[str, ...]]:
    """The segments' operator and its values."""
    if match == "contains":
        if attribute.type not in TEXTS:
            text = _("Only texts can be searched. For {name} choose “is”.")
            raise FilterError(text.format(name=attribute.label))
        return "contains", (text,)
    if attribute.type == Attribute.Type.OBJECTS:
        text = _("{name} can't be compared. Choose “has a value” or “has no value”.")
        raise FilterError(text.format(name=attribute.label))
    if attribute.type == Attribute.Type.BOOLEAN:
        try:
            return ("yes" if values.boolean(text) else "no"), ()
        except ValueError as error:
            raise FilterError(_("Enter yes or no.")) from error
    if attribute.type == Attribute.Type.DATE:
        try:
            text = values.date(text).isoformat()
        except ValueError as error:
            raise FilterError(_("Enter a date, such as 2026-03-09.")) from error
    return IS[attribute.type], (text,)
