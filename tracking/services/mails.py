"""A sent mail as its recipient sees it again: in the browser, and its links."""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from contacts.services.contacts import merge_fields
from designs.models import Content
from designs.rendering import Part, Rendered, Renderer, RenderError, one_line
from sending.models import Message
from sending.publicurls import MessageUrls


def find(message_id: int) -> Message | None:
    return (
        Message.objects.select_related("mailing__workspace", "mailing__content")
        .filter(pk=message_id)
        .first()
    )


@lru_cache(maxsize=64)
def _renderer(content_id: int) -> Renderer:
    # A content never changes.
    content = Content.objects.get(pk=content_id)
    return Renderer(
        subject=content.subject,
        preheader=content.preheader,
        html=content.html,
        text=content.text,
    )


def rendered(message: Message) -> Rendered:
    """With today's fields of the person. Raises RenderError."""
    urls = MessageUrls(message.pk, track_opens=False)
    return _renderer(message.mailing.content_id).render(_fields(message), urls)


def target(message: Message, number: int) -> str | None:
    """Where link `number` of the mail leads for its recipient; None: nowhere on the web."""
    links = message.mailing.content.links
    if number >= len(links):
        return None
    url = links[number]
    if "{" in url:
        try:
            url = Part(url, "text").render(_fields(message))
        except RenderError:
            return None
    return _web(one_line(url))


def _web(url: str) -> str | None:
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname else None


def _fields(message: Message) -> dict[str, Any]:
    workspace = message.mailing.workspace
    known = merge_fields(workspace.pk, [message.contact_id]).get(message.contact_id)
    return {
        **(known or {"email": message.address}),
        "workspace": {"name": workspace.name, "address": workspace.postal_address},
    }
