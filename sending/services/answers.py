"""Makes the bits of mailings that are over (queries.answers), so that segments need not read their
messages."""

import time

from django.db import transaction

from environment import logs
from pages.queries.alone import alone
from sending import blocks
from sending.queries import answers as query
from sending.queries import blocks as tables

log = logs.get(__name__)
# How long a tick works; the next one goes on.
SECONDS = 20.0
AT_ONCE = 100


def tick(seconds: float = SECONDS) -> int:
    """Index mailings that are over, the latest first. Returns how many."""
    until = time.monotonic() + seconds
    done = 0
    with alone("sending_answers") as we:
        # The oldest block whose messages are there.
        standing = tables.standing() if we else []
        if not standing:
            return 0
        for mailing_id in query.due(blocks.first_mailing(standing[0]), AT_ONCE):
            make(mailing_id)
            done += 1
            if time.monotonic() > until:
                break
    return done


def make(mailing_id: int) -> None:
    """Index one mailing. If it is interrupted, a later tick begins again. What happens to its
    messages meanwhile need not wait, except at the two ends."""
    with transaction.atomic():
        query.begin(mailing_id)
    query.read(mailing_id)
    with transaction.atomic():
        query.end(mailing_id)
    log.info("answers are indexed", mailing=mailing_id)
