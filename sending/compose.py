"""Turns claimed messages into mails: fields in one query, content compiled once."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.errors import MessageError
from functools import lru_cache
from typing import Any

from django.utils import timezone

from contacts.services.contacts import merge_fields
from designs.models import Content
from designs.rendering import Rendered, Renderer, RenderError
from sending import verp
from sending.exchange import End, Outcome
from sending.mime import Mail, Sender, build
from sending.models import Mailing, Relay
from sending.publicurls import MessageUrls
from sending.queries.claim import Claimed

# No reply codes of SMTP: a mail that could not be made, and one that this relay can't carry.
NOT_MADE = 1
NO_SMTPUTF8 = 2


@dataclass(frozen=True, slots=True)
class Ready:
    """What goes over the wire: envelope and content."""

    sender: str
    recipient: str
    content: bytes
    utf8: bool


class Composer:
    """Makes the mails of one batch."""

    def __init__(self, mailing: Mailing, relay: Relay, claimed: list[Claimed]) -> None:
        self.mailing = mailing
        self.relay = relay
        self.renderer = renderer_of(mailing.content)
        self.sender = sender_of(mailing)
        self.workspace = workspace_fields(mailing)
        self.fields = merge_fields(mailing.workspace_id, [one.contact_id for one in claimed])
        self.now = timezone.localtime(timezone.now(), timezone.get_default_timezone())

    def compose(self, message: Claimed) -> Ready | Outcome:
        fields = self.fields.get(message.contact_id, {"email": message.address})
        urls = MessageUrls(message.id, track_opens=self.mailing.track_opens)
        try:
            rendered = self.renderer.render(fields | {"workspace": self.workspace}, urls)
            content = self._build(message, fields, rendered, urls)
        # A header that can't be written must not stop the others of its batch.
        except (RenderError, MessageError, ValueError) as error:
            return Outcome(End.REFUSED, NOT_MADE, str(error))
        sender = envelope_sender(self.relay, self.mailing, urls.token)
        utf8 = not (sender + message.address).isascii()
        return Ready(sender, message.address, content, utf8)

    def _build(
        self, message: Claimed, fields: Mapping[str, Any], rendered: Rendered, urls: MessageUrls
    ) -> bytes:
        return build(
            self.sender,
            Mail(
                to_name=name_of(fields),
                to_email=message.address,
                subject=rendered.subject,
                html=rendered.html,
                text=rendered.text,
                token=urls.token,
                unsubscribe_url=urls.unsubscribe,
                date=self.now,
            ),
        )


def name_of(fields: Mapping[str, Any]) -> str:
    """The name for the To header."""
    if full := str(fields.get("full_name") or ""):
        return full
    return f"{fields.get('first_name') or ''} {fields.get('last_name') or ''}".strip()


def envelope_sender(relay: Relay, mailing: Mailing, token: str) -> str:
    """Where the relay sends bounces to."""
    if relay.envelope == Relay.Envelope.VERP and relay.bounce_address:
        return verp.address(relay.bounce_address, token)
    if relay.envelope == Relay.Envelope.FIXED and relay.bounce_address:
        return relay.bounce_address
    return mailing.from_email


def sender_of(mailing: Mailing) -> Sender:
    domain = mailing.from_email.rpartition("@")[2]
    return Sender(
        name=mailing.from_name,
        email=mailing.from_email,
        reply_to=mailing.reply_to,
        list_id=f"{mailing.origin.replace(' ', '-')}.{domain}",
        list_name=mailing.workspace.name,
        mailing_id=mailing.pk,
    )


def workspace_fields(mailing: Mailing) -> dict[str, str]:
    workspace = mailing.workspace
    return {"name": workspace.name, "address": workspace.postal_address}


def renderer_of(content: Content) -> Renderer:
    """Compiled once a process: contents never change."""
    return _renderer(content.pk)


@lru_cache(maxsize=64)
def _renderer(content_id: int) -> Renderer:
    content = Content.objects.get(pk=content_id)
    return Renderer(
        subject=content.subject,
        preheader=content.preheader,
        html=content.html,
        text=content.text,
    )
