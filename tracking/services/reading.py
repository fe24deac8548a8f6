"""The language of a message's recipient, for pages that its links open."""

from dataclasses import dataclass
from functools import lru_cache

from contacts.languages import ATTRIBUTE
from contacts.models import Contact
from designs import language
from designs.models import Content
from designs.rendering import PARTS
from sending.models import Message, Variant
from sending.services import streams


@dataclass(frozen=True, slots=True)
class ReaderLanguage:
    """Language tags. `known`: the person's, from the data of the message and from the contact;
    `otherwise`: the mail's."""

    known: tuple[str, ...] = ()
    otherwise: str = ""


def language_of(message: Message) -> ReaderLanguage:
    """Never raises: a page must not fail because of its language."""
    given = streams.data_of([message.pk]).get(message.pk, {}) if message.repeats else {}
    known_to = Contact.objects.filter(workspace_id=message.mailing.workspace_id)
    people = known_to.filter(pk__in=[message.contact_id] if message.contact_id else [])
    told = (given.get(ATTRIBUTE), *people.values_list(f"attributes__{ATTRIBUTE}", flat=True))
    # Imports and programs may give other values than text.
    known = tuple(one.strip() for one in told if isinstance(one, str))
    return ReaderLanguage(known, _of_mail(message))


def _of_mail(message: Message) -> str:
    """What its variant says, or else what its words are."""
    variants = Variant.objects.filter(mailing=message.mailing_id, number=message.variant)
    found = variants.values_list("language", "content_id").first()
    if found is None:
        return ""
    tag, content_id = found
    return tag or _of_content(content_id)


@lru_cache(maxsize=1024)
def _of_content(pk: int) -> str:
    """Contents never change."""
    parts = Content.objects.filter(pk=pk).values(*PARTS).first()
    return language.of_mail(parts) if parts else ""
