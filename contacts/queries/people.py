"""Contacts as the people page filters them; fast with a million."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import (
    BooleanField,
    CharField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Value,
)
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Contact, Import, ImportedContact, Subscription, Suppression

# When a subscription came to its status.
SINCE = {"subscribed": "created_at", "unsubscribed": "changed_at"}
MOST_DAYS = 10_000


class Matches(Func):
    """`email || ' ' || names ILIKE pattern`, written as the index contact_search has it."""

    output_field = BooleanField()
    conditional = True

    def as_sql(self, compiler: Any, *_args: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        compiled = [compiler.compile(part) for part in self.source_expressions]
        email, first, last, full, pattern = (sql for sql, _parameters in compiled)
        sql = f"({email} || ' ' || {first} || ' ' || {last} || ' ' || {full}) ILIKE {pattern}"
        return sql, tuple(value for _sql, parameters in compiled for value in parameters)


def search(people: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Those whose address or names contain every word of the text."""
    for word in text.split()[:8]:
        escaped = word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        fields = (F("email"), F("first_name"), F("last_name"), F("full_name"))
        people = people.filter(Matches(*fields, Value(f"%{escaped}%")))
    return people


def active_suppressions(workspace: Workspace) -> QuerySet[Suppression]:
    return Suppression.objects.filter(workspace=workspace, lifted_at=None)


class Domain(Func):
    """What stands after the @ of an address."""

    function = "split_part"
    output_field = CharField()

    def __init__(self, address: str) -> None:
        super().__init__(F(address), Value("@"), Value(2))


def _suppressed(workspace: Workspace) -> Q:
    """As two sets, which are hashed once; with EXISTS they would be looked up for each contact."""
    active = active_suppressions(workspace)
    by_address = active.filter(kind=Suppression.Kind.ADDRESS).values("value")
    by_domain = active.filter(kind=Suppression.Kind.DOMAIN).values("value")
    return Q(email__in=by_address) | Q(domain__in=by_domain)


def filtered(workspace: Workspace, parameters: QueryDict) -> QuerySet[Contact]:
    """The workspace's contacts by the page's parameters: q, list, status, days (subscribed, or with
    that status left, within so many days; as contacts.queries.growth counts it), and import with
    outcome (what the import did with them)."""
    people = search(Contact.objects.filter(workspace=workspace), parameters.get("q", ""))
    people = _imported(people, workspace, parameters)
    status, list_id = parameters.get("status", ""), parameters.get("list", "")
    on_lists = Subscription.objects.filter(contact=OuterRef("pk"))
    if list_id.isdecimal():
        on_lists = on_lists.filter(list_id=int(list_id), list__workspace=workspace)
    if (days := parameters.get("days", "")).isdecimal() and status in SINCE:
        begin = timezone.now() - dt.timedelta(days=min(int(days[:5]), MOST_DAYS))
        on_lists = on_lists.filter(**{f"{SINCE[status]}__gt": begin})
    if status in Subscription.Status.values:
        people = people.filter(Exists(on_lists.filter(status=status)))
    elif list_id.isdecimal():
        people = people.filter(Exists(on_lists))
    if status == "none":
        people = people.exclude(Exists(Subscription.objects.filter(contact=OuterRef("pk"))))
    if status == "suppressed":
        people = people.alias(domain=Domain("email")).filter(_suppressed(workspace))
    return people


def _imported(
    people: QuerySet[Contact], workspace: Workspace, parameters: QueryDict
) -> QuerySet[Contact]:
    number, outcome = parameters.get("import", ""), parameters.get("outcome", "")
    if not number.isdecimal() or len(number) > 18:
        return people
    rows = ImportedContact.objects.filter(
        file_id=int(number), file__workspace=workspace, contact_id=OuterRef("pk")
    )
    return people.filter(Exists(rows.filter(outcome=outcome) if outcome else rows))


def gone(workspace: Workspace, parameters: QueryDict, total: int) -> int:
    """How many contacts of an import's result were deleted since; 0 where more is asked for than an
    import and an outcome. `total`: how many are left."""
    given = {name for name in parameters if parameters.get(name)} - {"sort", "after", "before"}
    number = parameters.get("import", "")
    if given != {"import", "outcome"} or not number.isdecimal() or len(number) > 18:
        return 0
    file = Import.objects.filter(workspace=workspace, pk=int(number)).first()
    counted = file.counts.get(parameters["outcome"], 0) if file else 0
    return max(0, counted - total)


def suppressed_among(workspace: Workspace, people: Iterable[Contact]) -> set[str]:
    """Which of these people's addresses get no mail, themselves or by their domain."""
    emails = [person.email for person in people]
    domains = {email.rpartition("@")[2] for email in emails}
    values = active_suppressions(workspace).filter(value__in={*emails, *domains})
    found = set(values.values_list("value", flat=True))
    return {email for email in emails if found & {email, email.rpartition("@")[2]}}


def sample(workspace: Workspace, text: str = "", limit: int = 10) -> list[Contact]:
    """A few people to choose from while one types: those whose address or names contain the text,
    the newest without one. One or two Latin letters match half of everybody: then those whose
    address begins with them."""
    people = Contact.objects.filter(workspace=workspace)
    text = text.strip()
    if text and len(text) < 3 and text.isascii():
        first = people.filter(email__gte=text.lower()).order_by("email")[:limit]
        return [person for person in first if person.email.startswith(text.lower())]
    return list(search(people, text).order_by("-pk")[:limit])


def rows(people: QuerySet[Contact], keys: list[str]) -> Iterator[list[Any]]:
    """Address, names, then the attributes of these keys, streamed by a server-side cursor."""
    fields = ("email", "first_name", "last_name", "full_name", "attributes", "created_at")
    for *plain, attributes, created in people.order_by("pk").values_list(*fields).iterator(5000):
        yield [
            *plain,
            *(attributes.get(key) for key in keys),
            created.isoformat(timespec="seconds"),
        ]
