"""Messages about an action that the person can undo."""

from django.contrib import messages
from django.http import HttpRequest


def undo(request: HttpRequest, text: str, url: str) -> None:
    """Says what was done and offers Undo, which POSTs to `url`, for ten seconds."""
    messages.success(request, text, extra_tags=f"undo:{url}")


def undo_of(tags: str | None) -> str:
    """The URL in a message's tags that undoes the reported action, or ""."""
    return next((tag[5:] for tag in (tags or "").split() if tag.startswith("undo:")), "")
