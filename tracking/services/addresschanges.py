"""A recipient's new address: a mail with a link goes there, and the change is made when its holder
confirms it. Whether the address is another contact's is never said before that."""

import hashlib
import secrets
from datetime import timedelta
from enum import Enum

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from contacts import addresses
from contacts.models import Contact
from contacts.preferencemodels import AddressChange, PreferenceChoice
from contacts.provenance import Source
from contacts.services import contacts, preferences
from designs.models import Content
from designs.services import compile_parts
from pages import publicwords
from sending.compose.publicurls import PREFIX
from sending.models import Message
from sending.services import streams
from sending.services.streams import Item
from tracking.services import persons
from tracking.services.preferences import may_subscribe
from tracking.sources import PREFERENCES

# How long the link in the mail can be used.
VALID_FOR = timedelta(days=3)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Requests of one person, and mails to one address in a workspace, within a day.
MOST_A_DAY = 3


class Asked(Enum):
    """What became of a request. The values are keys of the texts in pages.publicwords."""

    SENT = "address.sent"
    SAME = "address.same"
    INVALID = "address.invalid"
    WAIT = "address.wait"
    OLD_MAIL = "prefs.old_mail"


class Confirmed(Enum):
    """What the link in the mail to the new address leads to, or did."""

    OPEN = "open"
    DONE = "done"
    OVER = "over"
    TAKEN = "taken"


@transaction.atomic
def ask(message: Message, typed: str, *, reader: str) -> Asked:
    """`reader`: the language of the mail to the new address."""
    own = persons.of(message, lock=True).own
    if own is None or not may_subscribe(message, own):
        return Asked.OLD_MAIL
    try:
        new = addresses.normalise(typed)
    except addresses.AddressError:
        return Asked.INVALID
    if new == own.email:
        return Asked.SAME
    now = timezone.now()
    today = AddressChange.objects.filter(contact=own, created_at__gt=now - DAY)
    if today.count() >= MOST_A_DAY or today.filter(created_at__gt=now - HOUR).exists():
        return Asked.WAIT
    to_it = AddressChange.objects.filter(
        contact__workspace=own.workspace_id, address=new, created_at__gt=now - DAY
    )
    # Nobody can have a stranger's mailbox filled. The page says the same as when a mail is sent.
    is_flooded = to_it.count() >= MOST_A_DAY
    secret = secrets.token_hex(20)
    change = AddressChange.objects.create(
        contact=own,
        message_id=message.pk,
        former=own.email,
        address=new,
        digest=_digest(secret),
    )
    if not is_flooded:
        _send(message, change, secret, reader)
    return Asked.SENT


def _send(message: Message, change: AddressChange, secret: str, reader: str) -> None:
    """By a stream of its own, which ends when the mail is sent: a notice from the sender and by the
    route of the mailing whose link asked for it."""
    mailing = message.mailing
    words = publicwords.texts(reader)
    # Names that somebody typed are values of the mail, never a part of its template.
    brand = {"brand": "{{ workspace.name }}"}
    paragraphs = (
        words["address.mail"].format(**brand),
        "{{ confirm_url }}",
        words["address.mail_ignore"].format(**brand),
    )
    parts = compile_parts(
        subject=words["address.subject"],
        preheader="",
        html="",
        text="\n\n".join(paragraphs),
        track_clicks=False,
    )
    stream = streams.open_stream(
        workspace=mailing.workspace,
        source=Source(PREFERENCES, change.pk),
        content=Content.objects.create(workspace=mailing.workspace, **parts),
        from_name=mailing.from_name,
        from_email=mailing.from_email,
        reply_to=mailing.reply_to,
        relay=mailing.relay,
        pool=mailing.pool,
    )
    url = f"{settings.PUBLIC_URL}/{PREFIX}/a/{secret}?lang={reader}"
    streams.append(stream, [Item("confirm", change.address, data={"confirm_url": url})])
    streams.close(stream)


def find(secret: str) -> AddressChange | None:
    rows = AddressChange.objects.select_related("contact__workspace")
    return rows.filter(digest=_digest(secret), contact__workspace__deleted_at=None).first()


def state_of(change: AddressChange) -> Confirmed:
    """A page reads this and changes nothing."""
    if change.contact.email == change.address:
        return Confirmed.DONE
    is_over = change.created_at < timezone.now() - VALID_FOR or change.confirmed_at is not None
    # The address was changed otherwise meanwhile: this link is no longer the person's last word.
    if is_over or change.contact.email != change.former:
        return Confirmed.OVER
    return Confirmed.OPEN


@transaction.atomic
def confirm(change: AddressChange) -> Confirmed:
    """Makes the change, which the holder of the new address confirms. Safe to do twice."""
    locked = Contact.objects.select_for_update(no_key=True).get(pk=change.contact_id)
    change = AddressChange.objects.select_related("contact__workspace").get(pk=change.pk)
    change.contact = locked
    state = state_of(change)
    if state is not Confirmed.OPEN:
        return state
    names = {name: getattr(locked, name) for name in contacts.FIELDS}
    try:
        contacts.update(locked, email=change.address, known_names=names, attributes={})
    except contacts.ExistsError:
        return Confirmed.TAKEN
    AddressChange.objects.filter(pk=change.pk).update(confirmed_at=timezone.now())
    preferences.record(
        locked,
        PreferenceChoice.Kind.ADDRESS,
        message_id=change.message_id,
        source=Source(PREFERENCES, change.pk),
        value=change.address,
        words=f"{change.former} → {change.address}",
    )
    return Confirmed.DONE


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
