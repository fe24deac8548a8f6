"""Turns claimed messages into mails: a mailing's contents are compiled once, and each mail only
fills in values."""

from collections.abc import Mapping
from email.errors import MessageError
from functools import lru_cache
from typing import Any

from django.utils import timezone

from accounts import markets
from accounts.opencounting import PERSONAL
from designs.compiling import Uncompiled
from designs.models import Content
from designs.rendering import PARTS, Renderer, RenderError
from environment import logs
from relays import verp
from relays.models import Relay
from sending.compose import headers, tokens
from sending.compose.assembly import Assembly
from sending.compose.mime import Mail, Sender, build
from sending.compose.publicurls import MessageUrls, Pixel, fixed, pixel_of
from sending.models import Mailing
from sending.purposes import RULES
from sending.queries.claim import Claimed
from smtp import End, MailObject, Outcome

log = logs.get(__name__)


class Composer:
    """Makes the mails of one mailing for one relay.

    It reads mailing, workspace and contents when it is made, and needs no database afterwards.
    """

    def __init__(self, mailing: Mailing, relay: Relay) -> None:
        self.mailing = mailing
        self.sender = sender_of(mailing)
        self.workspace = workspace_fields(mailing)
        self.zone = timezone.get_default_timezone()
        self.verp = verp_of(relay)
        self.envelope = envelope_sender(relay, mailing, "")
        self.token = tokens.maker()
        self.contents = mailing.contents
        # {(variant, pixel, markets with a mark): its assembly}: those of the pixel that most mails
        # have; others when the first mail needs them.
        self.assemblies: dict[tuple[int, Pixel, int], Assembly | None] = {}
        self.marks = markets.marks()
        for number in self.contents:
            self._assembly(number, self._pixel(counts_opens=mailing.open_counting in PERSONAL), 0)

    def _pixel(self, *, counts_opens: bool) -> Pixel:
        return pixel_of(self.mailing.open_counting, counts_opens=counts_opens)

    def _assembly(self, variant: int, pixel: Pixel, marks: int) -> Assembly | None:
        """None for a content that doesn't exist, or that only designs.rendering can render."""
        key = variant, pixel, marks
        if key not in self.assemblies:
            content = self.contents.get(variant)
            made = self._assemble(content, pixel, marks) if content else None
            self.assemblies[key] = made
        return self.assemblies[key]

    def _assemble(self, content: Content, pixel: Pixel, marks: int) -> Assembly | None:
        parts = {name: getattr(content, name) for name in PARTS}
        same = fixed(
            mailing_id=self.mailing.pk,
            workspace=self.workspace,
            pixel=pixel,
        )
        try:
            return Assembly(parts, sender=self.sender, fixed=same, zone=self.zone, in_markets=marks)
        except Uncompiled:
            return None

    def compose(self, message: Claimed, fields: Mapping[str, Any] | None) -> MailObject | Outcome:
        """The mail, or the outcome that says why it can't be made. `fields`: in the form of
        contacts' `merge_fields`; None for a contact that was deleted."""
        address, token = message.address, self.token(message.id)
        if fields is None:
            fields = {"email": address}
        content = self._assembled(message, fields, token) if address.isascii() else None
        if content is None:
            try:
                content = self._rendered(message, fields, token)
            except (RenderError, MessageError, ValueError) as error:
                return Outcome(End.NOT_COMPOSED, words=str(error))
            # One mail that can't be made must stop neither the others of its batch nor the relay.
            except Exception as error:
                log.exception("message could not be made", mail=message.id)
                return Outcome(End.NOT_COMPOSED, words=str(error) or type(error).__name__)
        sender = token.join(self.verp) if self.verp else self.envelope
        return MailObject(message.id, sender, address, content, dotless=True)

    def _assembled(self, message: Claimed, fields: Mapping[str, Any], token: str) -> bytes | None:
        """None: designs.rendering has to render it, or to say what is wrong."""
        pixel = self._pixel(counts_opens=message.counts_opens)
        assembly = self._assembly(message.variant, pixel, message.markets & self.marks)
        if assembly is None:
            return None
        try:
            return assembly.mail(headers.to(name_of(fields), message.address), fields.get, token)
        except Exception:  # noqa: BLE001 - what an author's expressions may raise
            return None

    def _rendered(self, message: Claimed, fields: Mapping[str, Any], token: str) -> bytes:
        pixel = self._pixel(counts_opens=message.counts_opens)
        urls = MessageUrls(message.id, mailing_id=self.mailing.pk, pixel=pixel)
        if message.variant not in self.contents:
            raise ValueError(f"The mailing has no content with the number {message.variant}.")
        renderer = renderer_of(self.contents[message.variant])
        rendered = renderer.render({**fields, "workspace": self.workspace}, urls)
        return build(
            self.sender,
            Mail(
                to_name=name_of(fields),
                to_email=message.address,
                subject=markets.marked(rendered.subject, message.markets),
                html=rendered.html,
                text=rendered.text,
                token=token,
                unsubscribe_url=urls.unsubscribe,
                date=timezone.localtime(timezone.now(), self.zone).replace(microsecond=0),
            ),
        )


def name_of(fields: Mapping[str, Any]) -> str:
    """The name for the To header."""
    if full := fields.get("full_name"):
        return str(full)
    return f"{fields.get('first_name') or ''} {fields.get('last_name') or ''}".strip()


def verp_of(relay: Relay) -> tuple[str, str] | None:
    """The parts before and after the token in the envelope's sender; None without VERP."""
    if relay.envelope == Relay.Envelope.VERP and relay.bounce_address:
        return verp.around(relay.bounce_address)
    return None


def envelope_sender(relay: Relay, mailing: Mailing, token: str) -> str:
    """The address that bounces go to."""
    if around := verp_of(relay):
        return token.join(around)
    if relay.envelope == Relay.Envelope.FIXED and relay.bounce_address:
        return relay.bounce_address
    return mailing.from_email


def sender_of(mailing: Mailing) -> Sender:
    domain = mailing.from_email.rpartition("@")[2]
    return Sender(
        name=mailing.from_name,
        email=mailing.from_email,
        reply_to=mailing.reply_to,
        list_id=f"{_list_name(mailing)}.{domain}",
        list_name=mailing.workspace.name,
        mailing_id=mailing.pk,
        offers_to_leave=RULES[mailing.purpose].offers_to_leave,
    )


def _list_name(mailing: Mailing) -> str:
    """The same for all mailings of one source, as RFC 2919 requires: campaign-7."""
    kind, number = mailing.source_kind, mailing.source_id
    return f"{kind}-{number}" if number else kind


def workspace_fields(mailing: Mailing) -> dict[str, str]:
    workspace = mailing.workspace
    return {"name": workspace.name, "address": workspace.postal_address}


@lru_cache(maxsize=64)
def renderer_of(content: Content) -> Renderer:
    """Compiled once a process: contents never change."""
    return Renderer(**{name: getattr(content, name) for name in PARTS})
