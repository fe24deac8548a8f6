"""What is known of providers: one file each, <key>.toml (docs/developers/providers.md). Pure.

- `presets`: services and servers that a relay may be, with their limits.
- `mailproviders`: who receives mail for which domains; recipients of one share a lane.
- `mailboxes`: servers that bounce mailboxes are read from.
- `replyrules`: rules for what a provider's servers say, for smtp.replies.

Names of mail providers and lanes are used everywhere, so they are also here.
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
