"""A mail of the sandbox as its page shows it. Pure: bytes in, words out."""

from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import cached_property

# Characters of the source that the page shows; the rest is in the download.
LONGEST_SOURCE = 400_000


@dataclass(frozen=True)
class Shown:
    raw: bytes

    @cached_property
    def _message(self) -> EmailMessage:
        return message_from_bytes(self.raw, policy=policy.default)

    @cached_property
    def html(self) -> str:
        return self._part("html")

    @cached_property
    def text(self) -> str:
        return self._part("plain")

    def _part(self, kind: str) -> str:
        """The body of that kind; "" if there is none or it can't be read."""
        try:
            part = self._message.get_body((kind,))
            return str(part.get_content()) if part else ""
        except (LookupError, ValueError, AttributeError):
            # Made by anybody: an unknown character set, a broken structure.
            return ""

    @cached_property
    def headers(self) -> list[tuple[str, str]]:
        """As they would be read: unfolded and decoded."""
        return [(name, str(value)) for name, value in self._message.items()]

    @property
    def source(self) -> str:
        return self.raw[:LONGEST_SOURCE].decode("utf-8", "replace")
