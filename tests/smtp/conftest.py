from tests.fixtures import (
    certificate,
    imap,
    mailbox,
    make_list,
    make_mailing,
    relay,
    sent,
    url,
)

__all__ = [
    "certificate",
    "imap",
    "mailbox",
    "make_list",
    "make_mailing",
    "relay",
    "sent",
    "url",
]
