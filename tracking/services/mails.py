"""A sent mail again: its page for the browser, and the targets of its links."""

from typing import Any
from urllib.parse import urlsplit

from contacts import erasures
from contacts.queries.mergefields import merge_fields
from designs import personal, weburls
from designs.models import Content
from designs.rendering import CompiledPart, Rendered, RenderError
from pages.oneline import one_line
from sending.compose import clickvalues
from sending.compose.composer import renderer_of
from sending.compose.publicurls import MessageUrls
from sending.models import Mailing, Message
from sending.queries import past
from sending.queries.blocks import of_messages
from sending.services import streams


def find(message_id: int) -> Message | None:
    """The message with this id, also if its row was dropped. Then its address is empty if its
    contact was deleted since, or the person was erased."""
    rows = Message.objects.select_related("mailing__workspace")
    found = rows.filter(of_messages([message_id]), pk=message_id).first()
    found = found or past.find([message_id]).get(message_id)
    if found is not None and erasures.is_erased(found.address):
        found.address = ""
    return found


def content_of(message: Message) -> Content:
    """The content of the message's variant."""
    return message.mailing.contents[message.variant]


def rendered(message: Message) -> Rendered:
    """The mail with the person's present fields. Raises RenderError, also if the message's own data
    were dropped: without them it would be another mail."""
    mailing = message.mailing
    if mailing.details_dropped_at is not None and mailing.kind == Mailing.Kind.STREAM:
        raise RenderError("data", 0, "dropped")
    urls = MessageUrls(message.pk, mailing_id=message.mailing_id)
    return renderer_of(content_of(message)).render(_fields(message), urls)


def target(message: Message, number: int, *, signed: str = "") -> str | None:
    """The URL of link `number` of the mail for its recipient; None: no address of the web.

    A personal link with `signed` has the URL that it had in the mail. Without it, the URL is made
    from the person's present fields.
    """
    links = content_of(message).links
    if number >= len(links):
        return None
    link: str = links[number]
    if signed:
        url = _said(link, clickvalues.read(message.mailing_id, number, signed))
    else:
        url = _now(link, message)
    return None if url is None else _web(one_line(url))


def _said(link: str, value: str | None) -> str | None:
    outer = personal.around(link)
    return None if value is None or outer is None else value.join(outer)


def _now(link: str, message: Message) -> str | None:
    if "{" not in link:
        return link
    try:
        return CompiledPart(link, "text", renderer_of(content_of(message)).language).render(
            _fields(message)
        )
    except RenderError:
        return None


def _web(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        on_the_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return weburls.as_ascii(url) if on_the_web else None


def _fields(message: Message) -> dict[str, Any]:
    workspace = message.mailing.workspace
    known: dict[str, Any] | None = None
    if message.contact_id is not None:
        known = merge_fields(workspace.pk, [message.contact_id]).get(message.contact_id)
    return {
        **(known or {"email": message.address}),
        **(streams.data_of([message.pk]).get(message.pk, {}) if message.repeats else {}),
        "workspace": {"name": workspace.name, "address": workspace.postal_address},
    }
