"""The ledger's part of an erasure (contacts.services.erasing)."""

from django.db import transaction
from django.utils.translation import ngettext

from contacts.erasures import Trace
from pages import locales
from sending.queries import erasing as query


def _words(count: int) -> str:
    text = ngettext(
        "address, texts and data of {count} mail",
        "addresses, texts and data of {count} mails",
        count,
    )
    return text.format(count=locales.number(count))


TRACE = Trace("mails", _words, query.count, query.forget)


@transaction.atomic
def forget_waiting() -> int:
    """Each hour: forgets what could not be forgotten while it waited. Returns how many messages."""
    return query.forget_waiting()
