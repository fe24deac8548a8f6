"""Sign-ups that a person confirmed by the link in a mail, for contacts that are merged."""

from collections.abc import Collection, Iterator

from contacts.contactmerge import OwnOptIn
from signups import sources
from signups.models import Signup


def of(contact_ids: Collection[int]) -> Iterator[OwnOptIn]:
    """Without those of a single opt-in, which prove nothing."""
    rows = Signup.objects.filter(
        contact__in=contact_ids,
        state=Signup.State.CONFIRMED,
        by_mail=True,
        confirmed_at__isnull=False,
    )
    for row in rows.select_related("form"):
        if row.contact_id is not None and row.confirmed_at is not None:
            for number in row.list_ids:
                yield OwnOptIn(row.contact_id, number, row.confirmed_at, sources.of(row.form))
