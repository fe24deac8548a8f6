"""The export of contacts: what is known about each, how they stand, when they were last mailed.
And that of suppressions, which may be of addresses and domains that are no contacts."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import consent, exports
from contacts.models import Attribute, Contact, List, Suppression
from contacts.queries import consent as query


def stream(
    workspace: Workspace, people: QuerySet[Contact], *, list_id: int | None = None
) -> Iterator[bytes]:
    """The CSV in pieces. With `list_id` the status is that of the one list. What depends on the
    reader's language is looked up now: the stream is read after the request is over."""
    attributes = list(Attribute.objects.filter(workspace=workspace))
    lists = dict(
        List.objects.filter(workspace=workspace).order_by("name").values_list("pk", "name")
    )
    reasons = {code: str(label) for code, label in Suppression.Reason.choices}
    keys = [attribute.key for attribute in attributes]
    header = [
        *(_("E-mail address"), _("First name"), _("Last name"), _("Full name")),
        *(attribute.label for attribute in attributes),
        *exports.STATUS,
        *(exports.list_column(name) for name in lists.values()),
        *query.engagement_names(),
        exports.ADDED,
    ]

    def rows() -> Iterator[list[Any]]:
        for person in query.people(people):
            stands = consent.standing(
                person.stops, person.places, reasons=reasons, names=lists, list_id=list_id
            )
            places = {place.list_id: place.cell() for place in person.places}
            yield [
                *person[:4],
                *(person.attributes.get(key) for key in keys),
                *(stands.status, stands.reason),
                *(consent.written(stands.at), consent.written(stands.suppressed_at)),
                *(places.get(pk) for pk in lists),
                *map(consent.written, person.engagement),
                consent.written(person.created_at),
            ]

    return exports.stream(header, rows())


# Of a suppression that is over: no word that an import knows, so that it asks.
LIFTED = "lifted"


def suppressions(found: QuerySet[Suppression]) -> Iterator[bytes]:
    """The CSV in pieces. A line without @ is a domain; an import rejects it and says so."""
    reasons = {code: str(label) for code, label in Suppression.Reason.choices}
    header = [_("Address or domain"), *exports.STATUS, "lifted_at"]
    fields = ("reason", "source", "detail", "created_at")

    def rows() -> Iterator[list[Any]]:
        for value, lifted, *stop in (
            found.order_by("pk").values_list("value", "lifted_at", *fields).iterator(5000)
        ):
            stands = consent.standing([consent.Stop(*stop)], [], reasons=reasons, names={})
            status, since = (LIFTED, None) if lifted else (stands.status, stands.suppressed_at)
            at = consent.written(stands.at)
            yield [
                value,
                status,
                stands.reason,
                at,
                consent.written(since),
                consent.written(lifted),
            ]

    return exports.stream(header, rows())
