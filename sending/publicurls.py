"""The public addresses of a message; `tracking.urls` serves them."""

from dataclasses import dataclass, field

from django.conf import settings

from sending import tokens

PREFIX = "e"


@dataclass(slots=True)
class MessageUrls:
    """Implements designs.rendering.Urls for one message."""

    message_id: int
    track_opens: bool = True
    base: str = field(default_factory=lambda: f"{settings.PUBLIC_URL}/{PREFIX}")
    token: str = ""

    def __post_init__(self) -> None:
        self.token = tokens.make(self.message_id)

    @property
    def unsubscribe(self) -> str:
        return f"{self.base}/u/{self.token}"

    @property
    def view(self) -> str:
        return f"{self.base}/v/{self.token}"

    @property
    def open_pixel(self) -> str | None:
        return f"{self.base}/o/{self.token}.gif" if self.track_opens else None

    def click(self, number: int) -> str:
        return f"{self.base}/c/{self.token}/{number}"
