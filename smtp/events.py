"""The events of a mail after a server accepted it. Pure."""

from enum import StrEnum


class MailEvent(StrEnum):
    """The one vocabulary for events, kinds of bounces, reasons of suppressions, tallies and exports
    (docs/developers/glossary.md). The database stores the values."""

    HARD_BOUNCED = "hard_bounced"
    SOFT_BOUNCED = "soft_bounced"
    BLOCKED = "blocked"
    DELAYED = "delayed"
    COMPLAINED = "complained"
    AUTO_REPLIED = "auto_replied"
    CHALLENGED = "challenged"
    OPENED = "opened"
    CLICKED = "clicked"
    UNSUBSCRIBED = "unsubscribed"
