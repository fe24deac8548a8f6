"""Facts about providers, one file each: <key>.toml (docs/developers/providers.md). Pure.

- `presets`: services and servers to add as relays, with their limits.
- `mailproviders`: companies that receive mail for domains; their recipients share a lane.
- `mailboxes`: servers of bounce mailboxes.
- `replyrules`: rules about replies of a provider's servers, for smtp.replies.

Names of mail providers and lanes are used everywhere, so this package exports them.
"""

from relays.providers.mailproviders import (
    OTHERS,
    MailProvider,
    label,
    lane_name,
    lane_number,
    mail_providers,
    numbers,
)

__all__ = [
    "OTHERS",
    "MailProvider",
    "label",
    "lane_name",
    "lane_number",
    "mail_providers",
    "numbers",
]
