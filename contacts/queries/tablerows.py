"""What the rows of a page of contacts show beside the contacts themselves; one query for each."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Prefetch, QuerySet

from accounts.models import Workspace
from contacts.consent import ConsentStatus, Place, Stop, Wording, status_of
from contacts.models import Contact, ContactTag
from contacts.queries import consent, mailable


def with_related(people: QuerySet[Contact]) -> QuerySet[Contact]:
    """With their lists and tags: three queries for a page."""
    by_name = ContactTag.objects.select_related("tag").order_by("tag__key")
    return people.prefetch_related("subscriptions__list", Prefetch("tagged", by_name))


def stops(workspace: Workspace, people: Sequence[Contact]) -> dict[int, list[Stop]]:
    """{contact: the suppressions that stop its mail}"""
    found = mailable.stops_of(workspace, [person.email for person in people])
    return {
        person.pk: [consent.stop_of(one) for one in found.get(person.email, ())]
        for person in people
    }


def statuses(
    people: Sequence[Contact], stopped: dict[int, list[Stop]], *, list_id: int | None
) -> dict[int, ConsentStatus]:
    """{contact: its status}, as in the export; no query for contacts of `with_related`."""
    quiet = Wording({}, {}, lambda _source, _afterwards: "")
    return {
        person.pk: status_of(stopped[person.pk], _places(person), quiet, list_id=list_id)
        for person in people
    }


def _places(person: Contact) -> list[Place]:
    return [
        Place(one.list_id, one.status, one.consent, one.source, one.afterwards, one.changed_at)
        for one in person.subscriptions.all()
    ]


def engagement(people: Sequence[Contact]) -> dict[int, list[Any]]:
    """{contact: moments of its mails}"""
    return consent.engagement_of([person.pk for person in people])
