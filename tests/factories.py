"""Rows that many tests need, each by one call; what a test is about is given by name."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from accounts import secrets
from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from bounces.models import BounceMailbox
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from designs.models import Content, Design
from relays.models import Pool, PoolMember, Relay
from sending.models import Mailing, Tally, Variant
from tests.mailservers.imap import PASSWORD, USER

BOUNCE_ADDRESS = "bounces@brand.example"


def make_contact(workspace: Workspace, email: str, **values: Any) -> Contact:
    return Contact.objects.create(workspace=workspace, email=email, **values)


def make_list(
    workspace: Workspace, addresses: Iterable[str] = (), name: str = "Newsletter", **values: Any
) -> List:
    """With these people on it, known ones too; `values` are those of new contacts."""
    made = List.objects.create(workspace=workspace, name=name)
    addresses = list(addresses)
    new = [
        Contact(workspace=workspace, email=one, **({"first_name": one.split("@")[0]} | values))
        for one in addresses
    ]
    Contact.objects.bulk_create(new, ignore_conflicts=True)
    people = Contact.objects.filter(workspace=workspace, email__in=addresses)
    Subscription.objects.bulk_create(Subscription(list=made, contact=one) for one in people)
    return made


def make_relay(workspace: Workspace, **values: Any) -> Relay:
    """Without a server behind it, unless a `port` of loopback is given."""
    known = {
        "name": f"Relay {Relay.objects.count()}",
        "host": "127.0.0.1",
        "security": "none",
    }
    return Relay.objects.create(workspace=workspace, **(known | values))


def make_pool(*relays: Relay, name: str = "Pool") -> Pool:
    """Of one tier, with equal shares."""
    pool = Pool.objects.create(workspace=relays[0].workspace, name=name)
    for relay in relays:
        PoolMember.objects.create(pool=pool, relay=relay)
    return pool


def make_mailbox(workspace: Workspace, port: int, **values: Any) -> BounceMailbox:
    """On loopback, with the password of tests.mailservers.imap."""
    known = {
        "name": "Bounces",
        "host": "127.0.0.1",
        "security": "none",
        "username": USER,
        "password": secrets.encrypt(PASSWORD),
        # Our own server on loopback, which no other mailbox may name.
        "managed_by": "sandbox",
    }
    return BounceMailbox.objects.create(workspace=workspace, port=port, **(known | values))


def make_design(workspace: Workspace, **values: Any) -> Design:
    return Design.objects.create(workspace=workspace, **({"name": "Spring"} | values))


def make_content(workspace: Workspace, **values: Any) -> Content:
    return Content.objects.create(workspace=workspace, **({"subject": "Hi", "text": "Hi"} | values))


def make_mailing(
    workspace: Workspace,
    *,
    content: Content | None = None,
    lists: list[int] | None = None,
    tally: dict[str, int] | None = None,
    source: Source = Source("campaign", 7),  # noqa: B008 - it is frozen
    **values: Any,
) -> Mailing:
    """Without messages and lanes, and without a tally unless one is given. Through a new relay
    unless one or a pool is given."""
    if not {"relay", "pool"} & {name for name, value in values.items() if value}:
        values["relay"] = make_relay(workspace)
    known: dict[str, Any] = {
        **source.columns,
        "from_email": "news@brand.example",
        "retry_for": timedelta(days=2),
        "open_counting": OpenCounting.EVERYBODY,
        "audience": Audience.of_lists(workspace.pk, lists or []).as_json(),
    }
    mailing = Mailing.objects.create(workspace=workspace, **(known | values))
    Variant.objects.create(mailing=mailing, content=content or make_content(workspace))
    if tally is not None:
        Tally.objects.create(mailing=mailing, **tally)
    return mailing
