"""The public addresses of a message; `tracking.urls` serves them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from designs.fixed import Fixed
from sending.compose import clickvalues, tokens

PREFIX = "e"
# A mail's open pixel, with any PUBLIC_URL: it may have changed since the mail was made.
OPEN_PIXEL = re.compile(rf"https?://[^\s\"'<>]{{1,300}}?/{PREFIX}/o/[\w-]+\.gif", re.IGNORECASE)


def _base() -> str:
    return f"{settings.PUBLIC_URL}/{PREFIX}"


@dataclass(slots=True)
class MessageUrls:
    """Implements designs.rendering.Urls for one message."""

    message_id: int
    # 0: no mailing, as in previews and test mails.
    mailing_id: int = 0
    track_opens: bool = True
    base: str = field(default_factory=_base)
    token: str = ""

    def __post_init__(self) -> None:
        self.token = tokens.make(self.message_id)

    @property
    def unsubscribe(self) -> str:
        return f"{self.base}/u/{self.token}"

    @property
    def preferences(self) -> str:
        return f"{self.base}/s/{self.token}"

    @property
    def view(self) -> str:
        return f"{self.base}/v/{self.token}"

    @property
    def open_pixel(self) -> str | None:
        return f"{self.base}/o/{self.token}.gif" if self.track_opens else None

    def click(self, number: int, personal: str | None = None) -> str:
        address = f"{self.base}/c/{self.token}/{number}"
        if personal is None:
            return address
        return address + clickvalues.signer(self.mailing_id)(number, personal)


def fixed(*, mailing_id: int, workspace: Mapping[str, str], track_opens: bool) -> Fixed:
    """The same addresses for all messages of a mailing, as the parts before and after the token."""
    base = _base()
    return Fixed(
        workspace=workspace,
        unsubscribe=(f"{base}/u/", ""),
        preferences=(f"{base}/s/", ""),
        view=(f"{base}/v/", ""),
        click=(f"{base}/c/", "/"),
        open_pixel=(f"{base}/o/", ".gif") if track_opens else None,
        sign=clickvalues.signer(mailing_id),
    )
