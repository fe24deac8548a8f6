"""The kinds of parts of an audience as SQL: the people that a part includes or excludes, and since
when and why a person is excluded. Apps to the right register theirs in their module
`queries.parts`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from contacts.audience import CONTACT, LIST
from contacts.segments.sql import Sql
from pages.registry import Registry

# How a person stands to a part that includes them. Of several parts the highest one counts: who
# left a list of the audience is not mailed because of a segment.
# NO_LIST: is in a segment, but subscribed to no list; STAYS: nothing speaks against a mail;
# LEFT: is on the list, but not subscribed; WANTS: is subscribed.
NO_LIST, STAYS, LEFT, WANTS = range(4)
SUBSCRIBED = f"CASE WHEN status = 'subscribed' THEN {WANTS} ELSE {LEFT} END AS standing"
# {standing: the code of pages.reasons for people who get nothing because of it}
REASONS = {NO_LIST: "no_list", LEFT: "unsubscribed"}


@dataclass(frozen=True, slots=True)
class PartSql:
    """A part whose SQL depends on its ids, with what a PartKind has as text."""

    include: Sql
    exclude: Sql
    cause: Sql


@dataclass(frozen=True, slots=True)
class PartKind:
    """`{ids}` in the statements is an array of the part's ids; %(workspace)s is known, too, and in
    `include` and `exclude` also {within}, which may narrow them down (`WITHIN`)."""

    key: str
    # Rows of (contact_id, standing). "": people of this kind can only be excluded.
    include: str
    # Rows of contact_id.
    exclude: str
    # The code of pages.reasons for excluded people.
    reason: str
    # One row of (since, cause_id) for the excluded contact `a.contact_id`; "": neither is known.
    cause: str = ""
    # Whether a part with one id has each person once, so that rows need no grouping.
    once: bool = False
    # For {within} while a piece of the audience is frozen, contacts %(first)s to %(last)s.
    within: str = ""
    # (workspace id, ids) -> what stands in place of the texts.
    made: Callable[[int, Sequence[int]], PartSql] | None = None


kinds: Registry[PartKind] = Registry(key=attrgetter("key"))

kinds.add(
    PartKind(
        LIST,
        include=f"SELECT contact_id, {SUBSCRIBED} FROM contacts_subscription"  # noqa: S608 - ours
        " WHERE list_id = ANY({ids})",
        exclude="SELECT contact_id FROM contacts_subscription"
        " WHERE list_id = ANY({ids}) AND status = 'subscribed'",
        reason="excluded",
        # Of several lists, the one that changed last is named.
        cause="SELECT s.changed_at AS since, s.list_id AS cause_id FROM contacts_subscription s"
        " WHERE s.contact_id = a.contact_id AND s.list_id = ANY({ids})"
        " AND s.status = 'subscribed' ORDER BY s.changed_at DESC, s.list_id LIMIT 1",
        once=True,
    )
)
kinds.add(
    PartKind(
        CONTACT,
        include=f"SELECT unnest({{ids}}::bigint[]) AS contact_id, {STAYS} AS standing",
        exclude="SELECT unnest({ids}::bigint[]) AS contact_id",
        reason="excluded_contact",
    )
)
