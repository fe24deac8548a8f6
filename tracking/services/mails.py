"""A sent mail as its recipient sees it again: in the browser, and its links."""

from typing import Any
from urllib.parse import urlsplit

from contacts.services.contacts import merge_fields
from designs.rendering import Part, Rendered, RenderError
from pages.singleline import one_line
from sending.compose import renderer_of
from sending.models import Message
from sending.publicurls import MessageUrls


def find(message_id: int) -> Message | None:
    return (
        Message.objects.select_related("mailing__workspace", "mailing__content")
        .filter(pk=message_id)
        .first()
    )


def rendered(message: Message) -> Rendered:
    """With today's fields of the person. Raises RenderError."""
    urls = MessageUrls(message.pk, track_opens=False)
    return renderer_of(message.mailing.content).render(_fields(message), urls)


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
