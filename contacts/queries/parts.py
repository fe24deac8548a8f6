"""What an audience can be made of: each kind of part as SQL, for everybody that it includes or
excludes, and for why and since when somebody is excluded. Apps to the right register theirs
in their module `queries.parts`."""

from dataclasses import dataclass
from operator import attrgetter

from contacts.audience import CONTACT, LIST
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class PartKind:
    """`{ids}` in the statements is an array of the part's ids; %(workspace)s is known, too."""

    key: str
    # Rows of (contact_id, wants): whether the person still wants mail as one of these. "": people
    # of this kind can only be excluded.
    include: str
    # Rows of contact_id.
    exclude: str
    # The code of those who are excluded.
    reason: str
    # One row of (since, cause_id) for the excluded contact `a.contact_id`; "": neither is known.
    cause: str = ""
    # Whether one id names each person once, so that nobody has to be brought together.
    once: bool = False


kinds: Registry[PartKind] = Registry(key=attrgetter("key"))

kinds.add(
    PartKind(
        LIST,
        include="SELECT contact_id, status = 'subscribed' AS wants FROM contacts_subscription"
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
        include="SELECT unnest({ids}::bigint[]) AS contact_id, true AS wants",
        exclude="SELECT unnest({ids}::bigint[]) AS contact_id",
        reason="excluded_contact",
    )
)
