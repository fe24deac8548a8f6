"""The filters of the people page; fast with a million contacts."""

import datetime as dt
import re
from contextlib import suppress
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import (
    BooleanField,
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
from contacts import addresses
from contacts.models import (
    Contact,
    ContactTag,
    Import,
    ImportedContact,
    Subscription,
)
from contacts.provenance import IMPORT, Source
from contacts.queries import mailable, rulefilters, segmentdays, segments
from contacts.suppressionmodels import Suppression
from pages import numbers

# The column with the time when a subscription got its status.
SINCE = {"subscribed": "created_at", "unsubscribed": "changed_at"}
MOST_DAYS = 10_000
STATUSES = ("subscribed", "unsubscribed", "suppressed", "none")
# Of `tag`, instead of a tag's number.
ANY_TAG, NO_TAG = "any", "none"
# Parameters that are numbers.
NUMBERS = ("segment", "tag", "list", "days", "import")


# Words of one and two letters have no trigram inside, so that the index finds only where a word
# begins; of scripts that put a space between words.
SHORT = re.compile("[\u0000-\u058f]{1,2}")
# What can stand before a word of one letter. With it there is a trigram.
BEFORE_A_LETTER = ("", *(f"%{mark}" for mark in " \n.@-"), r"%\_")


class Matches(Func):
    """Whether an address or a name contains the text, with the same expression as the index
    contact_search_shown. Both sides pass through the same database function, so that hanzi match
    with and without spaces between them."""

    output_field = BooleanField()
    conditional = True
    # The wildcards on both sides are added after the text is spaced.
    condition = "ILIKE {before} || contacts_spaced({text}) || '%%'"

    def __init__(self, text: str, before: str = "%") -> None:
        escaped = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        names = (F("email"), F("full_name"), F("last_name"), F("first_name"))
        super().__init__(*names, Value(before), Value(escaped))

    def as_sql(self, compiler: Any, *_args: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        compiled = [compiler.compile(part) for part in self.source_expressions]
        email, full, last, first, before, text = (sql for sql, _parameters in compiled)
        sql = (
            rf"contacts_spaced({email} || E'\n' || {full} || E'\n' || {last} || {first}"
            rf" || E'\n' || {first} || {last}) "
        )
        sql += self.condition.format(before=before, text=text)
        return sql, tuple(value for _sql, parameters in compiled for value in parameters)


class BeginsAWord(Matches):
    """Whether a word of an address or a name begins with the two letters: two of their three
    trigrams are side by side only there, which is more than pg_trgm's threshold of 0.6."""

    condition = "%%> ({before} || {text})"

    def __init__(self, letters: str) -> None:
        super().__init__(letters, before="")


def is_short(word: str) -> bool:
    """Whether the word is found only where a word of an address or a name begins."""
    return bool(SHORT.fullmatch(word)) and word.isalnum()


def _contains(word: str) -> Q:
    if not is_short(word):
        return Q(Matches(word))
    if len(word) > 1:
        return Q(BeginsAWord(word))
    return reduce(or_, (Q(Matches(word, before)) for before in BEFORE_A_LETTER))


def words_of(text: str) -> list[str]:
    return text.split()[:8]


def search(people: QuerySet[Contact], text: str) -> QuerySet[Contact]:
    """Contacts whose address or names, as pages show them, contain every word of the text: names in
    both orders, with and without a space between; but see `is_short`. Every search for people uses
    this."""
    for word in words_of(text):
        matches = _contains(word)
        if (stored := as_stored(word)) != word:
            matches |= Q(Matches(stored))
        people = people.filter(matches)
    return people


def as_stored(word: str) -> str:
    """An address or domain in stored form (A-labels), where pages show Unicode. Other words are
    unchanged."""
    local, at, domain = word.rpartition("@")
    if word.isascii() or "." not in domain:
        return word
    try:
        return f"{local}{at}{addresses.normalise_domain(domain)}"
    except addresses.AddressError:
        return word


def suppressions_of(workspace: Workspace, text: str) -> list[Suppression]:
    """Suppressions that stop a typed address, which may be no contact's; the one that gives the
    reason comes first. Of a typed domain, its own. [] for other texts."""
    with suppress(addresses.AddressError):
        email = addresses.normalise(text)
        return mailable.stops_of(workspace, [email]).get(email, [])
    if " " in text.strip() or text.strip().rfind("@") > 0:
        return []
    with suppress(addresses.AddressError):
        domain = addresses.normalise_domain(text.strip().removeprefix("@"))
        return mailable.stops_of_domain(workspace, domain)
    return []


def filtered(
    workspace: Workspace, parameters: QueryDict, *, at: dt.datetime | None = None
) -> QuerySet[Contact]:
    """The workspace's contacts by the page's parameters: q, segment, tag, list, status, days
    (subscribed, or with that status left, within so many days; counted like
    contacts.queries.lists), import with outcome (what the import did with them) or listing (the
    status that it gave them on its list), change (of contacts.queries.segmentdays), and those of
    contacts.queries.rulefilters. Nobody matches a parameter that can't be read. `at`: the end of
    the days; None: now."""
    people = search(Contact.objects.filter(workspace=workspace), parameters.get("q", ""))
    if unreadable(parameters):
        return people.none()
    people = rulefilters.filtered(people, workspace, parameters, at=at)
    people = _of_segment(people, workspace, parameters, at)
    people = _imported(_with_tag(people, workspace, parameters), workspace, parameters)
    status, list_id = parameters.get("status", ""), numbers.whole(parameters.get("list", ""))
    on_lists = Subscription.objects.filter(contact=OuterRef("pk"))
    if list_id is not None:
        on_lists = on_lists.filter(list_id=list_id, list__workspace=workspace)
    days = numbers.whole(parameters.get("days", ""))
    if days is not None and status in SINCE:
        begin = (at or timezone.now()) - dt.timedelta(days=min(days, MOST_DAYS))
        on_lists = on_lists.filter(**{f"{SINCE[status]}__gt": begin})
        if status == Subscription.Status.UNSUBSCRIBED:
            on_lists = on_lists.filter(
                changed_at__gt=F("created_at") + dt.timedelta(milliseconds=1)
            )
    if status in Subscription.Status.values:
        people = people.filter(Exists(on_lists.filter(status=status)))
    elif list_id is not None:
        people = people.filter(Exists(on_lists))
    if status == "none":
        people = people.exclude(Exists(Subscription.objects.filter(contact=OuterRef("pk"))))
    if status == "suppressed":
        people = people.filter(mailable.is_stopped(workspace))
    return people


def _of_segment(
    people: QuerySet[Contact], workspace: Workspace, parameters: QueryDict, at: dt.datetime | None
) -> QuerySet[Contact]:
    if change := parameters.get("change", ""):
        people = segmentdays.filtered(people, workspace, change)
    if chosen := parameters.get("segment", ""):
        people = segments.filtered(people, workspace, chosen, at=at)
    return people


def unreadable(parameters: QueryDict) -> list[str]:
    """The parameters whose value no link and no control of ours has."""
    given = {name: parameters.get(name, "") for name in (*NUMBERS, "status", "listing")}
    known = {"status": STATUSES, "listing": Subscription.Status.values, "tag": (ANY_TAG, NO_TAG)}
    return [
        name
        for name, value in given.items()
        if value
        and value not in known.get(name, ())
        and (name not in NUMBERS or numbers.whole(value) is None)
    ]


def _with_tag(
    people: QuerySet[Contact], workspace: Workspace, parameters: QueryDict
) -> QuerySet[Contact]:
    chosen = parameters.get("tag", "")
    if chosen in {ANY_TAG, NO_TAG}:
        counted = ContactTag.objects.filter(contact_id=OuterRef("pk"), tag__keeps=False)
        has = Exists(counted)
        return people.filter(has if chosen == ANY_TAG else ~has)
    number = numbers.whole(chosen)
    if number is None:
        return people
    tagged = ContactTag.objects.filter(
        tag_id=number, tag__workspace=workspace, contact_id=OuterRef("pk")
    )
    return people.filter(Exists(tagged))


def _imported(
    people: QuerySet[Contact], workspace: Workspace, parameters: QueryDict
) -> QuerySet[Contact]:
    number, outcome = numbers.whole(parameters.get("import", "")), parameters.get("outcome", "")
    if number is None:
        return people
    listing = parameters.get("listing", "")
    if listing in Subscription.Status.values:
        return people.filter(Exists(_listed(workspace, number, listing)))
    rows = ImportedContact.objects.filter(
        of_import_id=number, of_import__workspace=workspace, contact_id=OuterRef("pk")
    )
    return people.filter(Exists(rows.filter(outcome=outcome) if outcome else rows))


def _listed(workspace: Workspace, number: int, status: str) -> QuerySet[Subscription]:
    """The subscriptions with this status that come from an import."""
    imports = Import.objects.filter(workspace=workspace, pk=number)
    list_id = imports.values_list("list_id", flat=True).first()
    if list_id is None:
        return Subscription.objects.none()
    return Subscription.objects.filter(
        # With the list, the index on list and contact finds each person's row.
        contact_id=OuterRef("pk"),
        list_id=list_id,
        status=status,
        **Source(IMPORT, number).columns,
    )


def gone(workspace: Workspace, parameters: QueryDict, total: tuple[int, bool]) -> int:
    """How many contacts of an import's result were deleted since, or have another status on its
    list; 0 if there are other filters than import and outcome, or import and listing. `total`: how
    many are left, and whether that is exact; from an estimate nothing follows."""
    given = {name for name in parameters if parameters.get(name)} - {
        "sort",
        "after",
        "before",
        "view",
    }
    number, (left, exact) = numbers.whole(parameters.get("import", "")), total
    if given not in ({"import", "outcome"}, {"import", "listing"}) or number is None or not exact:
        return 0
    import_ = Import.objects.filter(workspace=workspace, pk=number).first()
    name = parameters.get("outcome") or parameters["listing"]
    counted = import_.counts.get(name, 0) if import_ else 0
    return max(0, counted - left)


def sample(workspace: Workspace, text: str = "", limit: int = 10) -> list[Contact]:
    """A few people to choose from while a user types: those whose address or names contain the
    text, or the newest without a text. One or two Latin letters would match half of all people:
    then those whose address begins with them."""
    people = Contact.objects.filter(workspace=workspace)
    text = text.strip()
    if text and len(text) < 3 and text.isascii():
        first = people.filter(email__gte=text.lower()).order_by("email")[:limit]
        return [person for person in first if person.email.startswith(text.lower())]
    return list(search(people, text).order_by("-pk")[:limit])
