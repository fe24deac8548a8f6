"""Writes what people choose themselves about their mail."""

import datetime as dt
from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from accounts.models import Workspace
from contacts import languages
from contacts.exceptions import ContactsError
from contacts.models import Attribute, Contact, Suppression
from contacts.preferencemodels import LONGEST_WORDS, MailFrequency, PreferenceChoice
from contacts.provenance import Source
from contacts.queries import pausing
from contacts.services import attributes, suppressions

Kind = PreferenceChoice.Kind
# Choices of one person in a day that are kept. Who makes more is told to wait: each is a row.
MOST_A_DAY = 100
DAY = dt.timedelta(days=1)


class TooManyChoicesError(ContactsError):
    """The person made MOST_A_DAY choices within a day. Nothing was changed."""


def record(  # noqa: PLR0913 - what makes it evidence
    contact: Contact,
    kind: str,
    *,
    message_id: int,
    source: Source,
    value: str = "",
    words: str = "",
) -> None:
    """Keeps a choice, in the transaction that carries it out. Raises TooManyChoicesError."""
    lately = PreferenceChoice.objects.filter(
        contact=contact, created_at__gt=timezone.now() - DAY
    ).order_by()
    if lately[:MOST_A_DAY].count() >= MOST_A_DAY:
        raise TooManyChoicesError(str(contact.pk))
    PreferenceChoice.objects.create(
        contact=contact,
        kind=kind,
        message_id=message_id,
        value=value,
        words=words,
        **source.columns,
    )


@transaction.atomic
def say_why(contact: Contact, because: str, *, words: str, message_id: int, source: Source) -> None:
    """Why the contact left by a mail of this source: the last answer counts."""
    words = words.replace("\x00", "").strip()[:LONGEST_WORDS]
    known = PreferenceChoice.objects.filter(contact=contact, kind=Kind.BECAUSE, **source.columns)
    if not known.update(value=because, words=words):
        record(
            contact, Kind.BECAUSE, value=because, words=words, message_id=message_id, source=source
        )


def set_frequency(contact: Contact, most: str) -> bool:
    """`most`: of MailFrequency.Most, or "" for all mails. Returns whether it was another one."""
    rows = MailFrequency.objects.filter(contact=contact)
    if not most:
        return bool(rows.delete()[0])
    if rows.filter(most=most).exists():
        return False
    MailFrequency.objects.update_or_create(
        contact=contact, defaults={"most": most, "workspace_id": contact.workspace_id}
    )
    return True


def pause(
    workspace: Workspace, addresses: Collection[str], *, until: dt.datetime, source: Source
) -> None:
    """No advertising to these addresses until then. A pause that is in force gets the new end."""
    pausing.pause(workspace.pk, sorted(addresses), until=until, source=source)


def end_pause(workspace: Workspace, addresses: Collection[str]) -> bool:
    """Ends the pauses of these addresses now, and lifts nothing else. False: there was none."""
    rows = Suppression.objects.filter(
        workspace=workspace,
        kind=Suppression.Kind.ADDRESS,
        value__in=addresses,
        reason=Suppression.Reason.PAUSED,
        until__gt=timezone.now(),
    )
    return bool(suppressions.lift_many(rows, None, timezone.now()))


def attribute_of(workspace: Workspace) -> Attribute | None:
    """The attribute that holds the language of contacts; None: the workspace has none yet."""
    return Attribute.objects.filter(workspace=workspace, key=languages.ATTRIBUTE).first()


def set_language(contact: Contact, tag: str) -> bool:
    """Returns whether it was another one. The attribute is made if the workspace has none: it is
    the one that imports make of a column "Language"."""
    if contact.attributes.get(languages.ATTRIBUTE) == tag:
        return False
    _attribute, made = Attribute.objects.get_or_create(
        workspace_id=contact.workspace_id,
        key=languages.ATTRIBUTE,
        defaults={"label": "Language", "type": Attribute.Type.TEXT},
    )
    if made:
        attributes.arrange(contact.workspace)
    contact.attributes = {**contact.attributes, languages.ATTRIBUTE: tag}
    contact.save(update_fields=["attributes", "updated_at"])
    return True
