"""Registers with apps on its left: when workspaces are deleted, when contacts are merged, when
relays are paused or resumed, for cards on their pages, and for the evidence of suppressions."""

from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

from accounts.markets import marked
from accounts.models import Workspace
from accounts.services import workspaces
from contacts import contactmerge, countries, erasures, evidence, personfile, sources
from contacts.evidence import Evidence
from contacts.models import Contact
from contacts.provenance import Source
from contacts.queries import openconsent
from contacts.services.openconsent import answers_of
from designs import previews
from relays.services import usage
from sending import markets, personfacts
from sending.compose.publicurls import MessageUrls
from sending.compose.tokens import NOBODY
from sending.models import Event
from sending.queries import openpixels, samecontact
from sending.queries.blocks import of_messages
from sending.services import erasing, mailings, relaymailings
from sending.views.relaymailings import CARDS

workspaces.on_deleted.add(mailings.stop_all)
openconsent.on_withdrawn.add(openpixels.forget_of_contacts)
usage.uses.add(relaymailings.USE)
usage.panels.add(CARDS)


@previews.urls.add
def preview_urls() -> MessageUrls:
    """Links of previews lead to pages that change nothing."""
    return MessageUrls(NOBODY)


@previews.subjects.add
def with_mark(workspace: Workspace, contact: Contact | None, subject: str) -> str:
    """The subject that this contact would get; of an invented person nobody knows the country."""
    country = contact.attributes.get(countries.ATTRIBUTE) if contact else None
    address = contact.email if contact else ""
    bits = markets.of(country, address, default=workspace.default_market)
    return marked(subject, bits)


def _obstacle(kept: Contact, other: Contact) -> str:
    """Promise 1: nobody gets a mail twice."""
    found = samecontact.open_mailing_of(kept, other)
    if found is None:
        return ""
    one = Source(*found)
    text = _(
        "{campaign} is still being sent to one of both, so that the person could get it twice or"
        " miss it. Merge them when it is finished or cancelled."
    )
    named = sources.in_words(sources.names(kept.workspace, [one]))(one, "")
    return text.format(campaign=named)


def _move(kept: Contact, other: Contact) -> None:
    samecontact.move(kept, other)
    # Who has said for one of both that opens must not be counted has said it for all.
    if False in answers_of([kept.pk, other.pk]):
        openpixels.forget_of_contacts([kept.pk])


for section in personfacts.SECTIONS:
    personfile.sections.add(section, order=70)
erasures.traces.add(erasing.TRACE, key="mails", order=50)
contactmerge.followers.add(
    contactmerge.Follower(_obstacle, _move, samecontact.count), key="sending"
)


# What may suppress an address.
GRAVE = (Event.Kind.HARD_BOUNCED, Event.Kind.SOFT_BOUNCED, Event.Kind.COMPLAINED)


@evidence.contributors.add
def events(workspace: Workspace, message_ids: Collection[int]) -> Mapping[int, list[Evidence]]:
    """Bounces and complaints of these messages, with the server's words."""
    rows = Event.objects.filter(
        of_messages(message_ids),
        message__in=message_ids,
        mailing__workspace=workspace,
        kind__in=GRAVE,
    )
    found: dict[int, list[Evidence]] = {}
    for row in rows.order_by("at")[: 5 * len(message_ids)]:
        one = Evidence(row.at, row.get_kind_display(), row.detail)
        found.setdefault(row.message_id, []).append(one)
    return found
