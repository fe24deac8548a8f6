"""Streams: mailings that stay open, to which messages are appended one by one (transactional mail,
sign-up mails, journeys). Each has a key, so that a repeated request sends nothing, and its own
data. Its recipient may be a contact or not.

An appended message waits like one that is to be tried again (queries.claim), so that the engine
needs no special case. A stream without waiting messages is `idle`: the queries of each second leave
it out, so that any number of idle streams costs nothing.
"""

import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from contacts.addresses import AddressError, normalise
from contacts.provenance import Source
from contacts.queries.mergefields import merge_fields
from designs.models import Content
from environment import logs
from relays import providers
from relays.models import Pool, Relay
from sending.exceptions import SendingError
from sending.models import Mailing, StreamItem, Tally, Variant
from sending.models.ledger import LONGEST_KEY
from sending.purposes import NOTICE, RULES
from sending.queries import streams as query
from sending.queries.blocks import of_messages
from sending.queries.claim import Claimed
from sending.services.mailings import RETRY_FOR, give_contents
from sending.variants import Choice, Share, shares

log = logs.get(__name__)
State, Kind = Mailing.State, Mailing.Kind


class StreamClosedError(SendingError):
    """The stream takes no more messages: it was closed or cancelled."""


# What PostgreSQL can't store.
NO_TEXT = re.compile("[\x00\ud800-\udfff]")
# NUL in JSON; not after a backslash that is itself escaped.
NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class StreamItemError(SendingError):
    """(key, why): an item can't be appended as it is. Nothing of the call was appended."""


@dataclass(frozen=True, slots=True)
class Item:
    """`key`: 1 to 200 characters. `address`: in the form of contacts.addresses.normalise. `data`:
    merge fields, which override those of the contact. `variant`: the number of one of the stream's
    contents; None lets the stream choose by language (of the data, or else of the contact) and
    weights."""

    key: str
    address: str
    contact_id: int | None = None
    data: dict[str, Any] = field(default_factory=dict)
    variant: int | None = None


@transaction.atomic
def open_stream(  # noqa: PLR0913 - what a stream is made of
    *,
    workspace: Workspace,
    source: Source,
    content: Content | Sequence[Choice],
    from_name: str,
    from_email: str,
    reply_to: str = "",
    relay: Relay | None = None,
    pool: Pool | None = None,
    purpose: str = NOTICE,
    also_ignored: Sequence[str] = (),
) -> Mailing:
    """Opens a stream. Exactly one of `relay` and `pool` is needed. `source` says what it is for.
    `also_ignored`: reasons of suppressions that don't stop its mails, besides its purpose's."""
    rules = RULES[purpose]
    stream = Mailing.objects.create(
        workspace=workspace,
        kind=Kind.STREAM,
        purpose=purpose,
        **source.columns,
        from_name=from_name,
        from_email=from_email,
        reply_to=reply_to,
        relay=relay,
        pool=pool,
        audience={"ignored": [*rules.ignored, *also_ignored]},
        open_counting=OpenCounting.NONE,
        track_clicks=rules.tracked,
        retry_for=RETRY_FOR,
        priority=rules.priority,
        idle=True,
    )
    give_contents(stream, content)
    Tally.objects.create(mailing=stream)
    log.committed.info(
        "stream opened",
        mailing=stream.pk,
        workspace=workspace.pk,
        source=source,
        relay=stream.relay_id,
        pool=stream.pool_id,
    )
    return stream


@transaction.atomic
def append(stream: Mailing, items: Iterable[Item]) -> dict[str, int]:
    """{key: id of its message}. Keys that were appended before are not sent again, even with other
    content; their ids are returned, too. A key holds within its stream: another stream with the
    same source doesn't know it. Raises StreamClosedError and StreamItemError."""
    contents = list(stream.variants.order_by("number"))
    wanted = _checked(items, {one.number for one in contents})
    # Before the shared lock below: two processes that hold it could not both update the row.
    Mailing.objects.filter(pk=stream.pk, idle=True).update(idle=False)
    locked = Mailing.objects.filter(
        pk=stream.pk, kind=Kind.STREAM, closed_at=None, state__in=(State.SENDING, State.PAUSED)
    )
    query.share(stream.pk)
    if not locked.exists():
        raise StreamClosedError(str(stream.source))
    found = query.append(stream, _columns(list(wanted.values())), _shares(contents))
    known = StreamItem.objects.filter(mailing=stream, key__in=wanted.keys() - found.keys())
    return found | dict(known.values_list("key", "message_id"))


def _checked(items: Iterable[Item], numbers: Collection[int]) -> dict[str, Item]:
    """{key: its first item}. `numbers`: of the stream's contents."""
    wanted: dict[str, Item] = {}
    for item in items:
        if why := _wrong(item, numbers):
            raise StreamItemError(item.key, why)
        if wanted.setdefault(item.key, item).address != item.address:
            raise StreamItemError(item.key, "two items have this key and different addresses")
    return wanted


def _wrong(item: Item, numbers: Collection[int]) -> str:
    """Why the item can't be appended, apart from its data; "": nothing is wrong."""
    if not 0 < len(item.key) <= LONGEST_KEY or NO_TEXT.search(item.key):
        return f"a key has 1 to {LONGEST_KEY} characters, without NUL"
    try:
        normal = normalise(item.address)
    except AddressError as error:
        return f"the address is invalid ({error.reason})"
    if normal != item.address:
        return f"the address must be written as {normal}"
    if item.variant is not None and item.variant not in numbers:
        return f"the stream has no content with the number {item.variant}"
    return ""


def _data(item: Item) -> str:
    try:
        text = json.dumps(item.data, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise StreamItemError(item.key, str(error)) from error
    # PostgreSQL has no NUL in text.
    return NUL.sub("\\1\ufffd", text)


def _shares(contents: Sequence[Variant]) -> list[Share]:
    """[] for a stream with one content."""
    if len(contents) == 1:
        return []
    return shares([one.weight for one in contents], [one.language for one in contents])


def _columns(items: Sequence[Item]) -> dict[str, Any]:
    numbers = providers.numbers()
    domains = [item.address.rpartition("@")[2] for item in items]
    return {
        "keys": [item.key for item in items],
        "addresses": [item.address for item in items],
        "contacts": [item.contact_id for item in items],
        "data": [_data(item) for item in items],
        "chosen": [item.variant for item in items],
        "lanes": [numbers.get(domain, providers.OTHERS) for domain in domains],
    }


@transaction.atomic
def close(stream: Mailing) -> bool:
    """It takes no more messages, and finishes when nothing is left to do. False: it was closed
    already."""
    open_ = Mailing.objects.filter(pk=stream.pk, kind=Kind.STREAM, closed_at=None)
    moved = open_.update(closed_at=timezone.now(), idle=False)
    stream.refresh_from_db()
    if moved:
        log.committed.info("stream closed", mailing=stream.pk, workspace=stream.workspace_id)
    return bool(moved)


def rest() -> int:
    """Makes streams idle that have nothing left to do. Returns how many."""
    return sum(_rest(pk) for pk in query.quiet())


@transaction.atomic
def _rest(pk: int) -> bool:
    if not query.lock_quiet(pk):
        return False
    return bool(Mailing.objects.filter(pk=pk).update(idle=True, wait_reason="", wait_until=None))


def fields(stream: Mailing, claimed: Sequence[Claimed]) -> dict[int, dict[str, Any]]:
    """{message id: merge fields}: the contact's, and over them those of the message."""
    own = data_of([one.id for one in claimed])
    contacts = [one.contact_id for one in claimed if one.contact_id is not None]
    known = merge_fields(stream.workspace_id, contacts) if contacts else {}
    return {
        one.id: {"email": one.address}
        | (known.get(one.contact_id, {}) if one.contact_id is not None else {})
        | own.get(one.id, {})
        for one in claimed
    }


def data_of(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    """{message id: merge fields that it was appended with}"""
    return dict(_items(ids).values_list("pk", "data"))


def appended(ids: Collection[int]) -> dict[int, datetime]:
    """{message id: when it was appended}"""
    return dict(_items(ids).values_list("pk", "created_at"))


def _items(ids: Collection[int]) -> QuerySet[StreamItem]:
    return StreamItem.objects.filter(of_messages(ids), pk__in=ids)
