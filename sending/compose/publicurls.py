"""The public addresses of a message; `tracking.urls` serves them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from django.conf import settings

from accounts.opencounting import OpenCounting
from designs.fixed import Fixed
from sending.compose import clickvalues, tokens

PREFIX = "e"
# A mail's open pixel, of the person's own (o) or the same in all mails (t), with any PUBLIC_URL: it
# may have changed since the mail was made.
OPEN_PIXEL = re.compile(rf"https?://[^\s\"'<>]{{1,300}}?/{PREFIX}/[ot]/[\w-]+\.gif", re.IGNORECASE)


class Pixel(Enum):
    """What counts the opens of a mail."""

    NONE = "none"
    # Its URL names the message.
    OWN = "own"
    # Its URL names the mailing, and no person.
    COMMON = "common"


def pixel_of(open_counting: str, *, counts_opens: bool) -> Pixel:
    """The pixel of a message. `open_counting`: of its mailing; `counts_opens`: its own."""
    if open_counting == OpenCounting.TOTALS:
        return Pixel.COMMON
    return Pixel.OWN if counts_opens else Pixel.NONE


def _base() -> str:
    return f"{settings.PUBLIC_URL}/{PREFIX}"


@dataclass(slots=True)
class MessageUrls:
    """Implements designs.rendering.Urls for one message."""

    message_id: int
    # 0: no mailing, as in previews and test mails.
    mailing_id: int = 0
    pixel: Pixel = Pixel.NONE
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
        if self.pixel is Pixel.COMMON:
            return _common_pixel(self.mailing_id)
        return f"{self.base}/o/{self.token}.gif" if self.pixel is Pixel.OWN else None

    def click(self, number: int, personal: str | None = None) -> str:
        address = f"{self.base}/c/{self.token}/{number}"
        if personal is None:
            return address
        return address + clickvalues.signer(self.mailing_id)(number, personal)


def _common_pixel(mailing_id: int) -> str:
    return f"{_base()}/t/{tokens.make_total(mailing_id)}.gif"


def fixed(*, mailing_id: int, workspace: Mapping[str, str], pixel: Pixel) -> Fixed:
    """The same addresses for all messages of a mailing with this pixel, as the parts before and
    after the token."""
    base = _base()
    open_pixel: tuple[str, ...] | None = None
    if pixel is Pixel.COMMON:
        open_pixel = (_common_pixel(mailing_id),)
    elif pixel is Pixel.OWN:
        open_pixel = (f"{base}/o/", ".gif")
    return Fixed(
        workspace=workspace,
        unsubscribe=(f"{base}/u/", ""),
        preferences=(f"{base}/s/", ""),
        view=(f"{base}/v/", ""),
        click=(f"{base}/c/", "/"),
        open_pixel=open_pixel,
        sign=clickvalues.signer(mailing_id),
    )
