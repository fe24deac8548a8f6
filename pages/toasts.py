"""Messages to the person that can be taken back."""

from django.contrib import messages
from django.http import HttpRequest


def undo(request: HttpRequest, text: str, url: str) -> None:
    """Says what was done and offers Undo, which POSTs to `url`, for ten seconds."""
    messages.success(request, text, extra_tags=f"undo:{url}")


def undo_of(tags: str | None) -> str:
    """The URL in a message's tags that takes back what the message reports, or ""."""
    return next((tag[5:] for tag in (tags or "").split() if tag.startswith("undo:")), "")
