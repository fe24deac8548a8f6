"""Answers a search for people on a campaign's page: what became of recipients, of people left out,
and of people whom the campaign does not reach at all."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Workspace
from campaigns.models import Campaign
from campaigns.queries import audience as query
from campaigns.queries import causes, pending
from campaigns.queries.causes import Cause
from campaigns.queries.recipients import address_matches, code_of
from contacts import addresses
from contacts.models import Contact, Subscription
from contacts.queries import audience, mailable, people
from pages import locales, reasons
from sending.models import LeftOut, Mailing, Message

# At most MOST people are shown. LOOKED_UP contacts are read for one text, so that people of this
# campaign are found among namesakes.
MOST = 10
LOOKED_UP = 200


@dataclass(frozen=True, slots=True)
class RecipientReply:
    """What became of one person. `state`: a code of pages.statuses. `contact`: its id; None if the
    contact no longer exists."""

    address: str
    contact: int | None
    state: str
    why: str = ""
    # The server's own words.
    words: str = ""
    since: datetime | None = None
    cause: Cause | None = None
    # Names of the markets, before the start.
    markets: str = ""


def meant(workspace: Workspace, text: str) -> list[Contact]:
    """Contacts that match the text: by the whole address, else by a part of address or name."""
    exact = Contact.objects.filter(workspace=workspace, email=query.typed(text)).first()
    return [exact] if exact else people.sample(workspace, text, LOOKED_UP)


def _no_contact(workspace: Workspace, text: str) -> RecipientReply:
    """The answer for an address without a contact; it may be suppressed nevertheless."""
    why = _("No contact of this workspace has this address.")
    answer = RecipientReply(addresses.display(query.typed(text)), None, "no_contact", why)
    if not (stops := people.suppressions_of(workspace, text)):
        return answer
    stop = causes.of_suppression(stops[0], workspace.slug, answer.address)
    why = f"{reasons.text(mailable.code_of(stops[0]))}. {why}"
    return replace(answer, state="suppressed", why=why, since=stop.since, cause=stop)


def _is_address(text: str) -> bool:
    try:
        addresses.normalise(text)
    except addresses.AddressError:
        return False
    return True


def of_left_out(workspace: Workspace, rows: Sequence[LeftOut]) -> list[RecipientReply]:
    """The rows as answers, with the ids of contacts that still exist."""
    behind = causes.of_left_out(workspace, rows)
    ids = [row.contact_id for row in rows]
    known = set(Contact.objects.filter(pk__in=ids).values_list("pk", flat=True))
    return [
        RecipientReply(
            address=addresses.display(row.address),
            contact=row.contact_id if row.contact_id in known else None,
            state="left_out" if row.reason else "recipient",
            why=reasons.text(row.reason) if row.reason else "",
            since=row.since,
            cause=behind.get(row.address),
        )
        for row in rows
    ]


# Before the start --------------------------------------------------------------------------------


def before(campaign: Campaign, text: str, shown: Iterable[LeftOut]) -> list[RecipientReply]:
    """What would happen to the people found if the campaign started now, except people in `shown`:
    the table has them already."""
    asked = query.question(campaign)
    there = {row.contact_id for row in shown}
    contacts = [one for one in meant(campaign.workspace, text) if one.pk not in there]
    if not contacts:
        return [] if there or not _is_address(text) else [_no_contact(campaign.workspace, text)]
    asked = replace(asked, contact_ids=[one.pk for one in contacts])
    rows = [query.as_row(person) for person in audience.people(asked, limit=MOST)]
    reached = {row.contact_id for row in rows}
    outside = [
        RecipientReply(
            addresses.display(one.email),
            one.pk,
            "outside",
            _("Is on none of the campaign's lists.")
            if asked.audience.only_lists
            else _("Is on none of the campaign's lists, and in none of its segments."),
        )
        for one in contacts
        if one.pk not in reached
    ]
    return [*of_left_out(campaign.workspace, rows), *outside][:MOST]


# After the start ---------------------------------------------------------------------------------


def after(mailing: Mailing, text: str, shown: QuerySet[Message]) -> list[RecipientReply]:
    """What became of the people found, except those in `shown`, the filtered table."""
    contacts = meant(mailing.workspace, text)
    ids, emails = [one.pk for one in contacts], [one.email for one in contacts]
    # By the indexes message_by_contact and message_address_once. Both, because since the start a
    # contact may have got another address, and an address another contact.
    theirs = Q(contact_id__in=ids) | Q(address__in=[*emails, query.typed(text)])
    messages = list(Message.objects.filter(theirs, mailing=mailing, repeats=False))
    in_table = set(shown.filter(pk__in=[m.pk for m in messages]).values_list("pk", flat=True))
    rows = LeftOut.objects.filter(theirs | address_matches(text), mailing=mailing)
    left_out = list(rows.order_by("address")[:MOST])
    answered: set[int | str | None] = {one.contact_id for one in messages}
    answered |= {one.address for one in messages}
    answered |= {one.contact_id for one in left_out} | {one.address for one in left_out}
    nowhere = [one for one in contacts if not {one.pk, one.email} & answered]
    found = [
        *_of_messages(mailing, [one for one in messages if one.pk not in in_table]),
        *of_left_out(mailing.workspace, left_out),
        *_outside(mailing, nowhere),
    ]
    if not found and not in_table and _is_address(text) and not shown.exists():
        return [_no_contact(mailing.workspace, text)]
    return found[:MOST]


def beside(mailing: Mailing, text: str, shown: Iterable[LeftOut]) -> list[RecipientReply]:
    """As `after`, for the page of the people left out, whose rows are `shown`."""
    there = {addresses.display(row.address) for row in shown}
    found = after(mailing, text, Message.objects.none())
    no_contact = there and [one.state for one in found] == ["no_contact"]
    return [] if no_contact else [one for one in found if one.address not in there]


def _of_messages(mailing: Mailing, messages: Sequence[Message]) -> list[RecipientReply]:
    if not messages:
        return []
    in_flight = pending.claimed(mailing, [one.pk for one in messages])
    behind = causes.of_skipped(mailing, messages)
    return [
        RecipientReply(
            address=addresses.display(one.address),
            contact=one.contact_id,
            state=code_of(one.state, in_flight=one.pk in in_flight),
            why=reasons.text(one.reason) if one.reason else "",
            words=one.reply,
            since=one.settled_at,
            cause=behind.get(one.address),
        )
        for one in messages
    ]


def _outside(mailing: Mailing, contacts: Sequence[Contact]) -> list[RecipientReply]:
    """Contacts that were on none of the lists when the audience was frozen. If the mailing has no
    record of the people left out: contacts that are no recipients."""
    joined = {
        row.contact_id: row
        for row in Subscription.objects.filter(
            contact__in=[one.pk for one in contacts],
            list__in=mailing.list_ids,
            created_at__gt=mailing.opened_at,
        ).select_related("list")
    }
    found = []
    nowhere = _("Was on none of the campaign's lists when it started.")
    if not mailing.people.only_lists:
        nowhere = _(
            "Was on none of the campaign's lists, and in none of its segments, when it started."
        )
    if query.unrecorded(mailing):
        nowhere = _(
            "Is no recipient. Who was left out of this campaign was not recorded when it started."
        )
    for one in contacts:
        why = nowhere
        if row := joined.get(one.pk):
            why = _("Was added to {list} after the campaign had started, {moment}.").format(
                list=row.list.name, moment=locales.absolute(row.created_at)
            )
        found.append(RecipientReply(addresses.display(one.email), one.pk, "outside", why))
    return found
