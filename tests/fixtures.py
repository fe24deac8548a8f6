"""Fixtures that several apps' tests need; tests/conftest.py imports them."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from accounts.opencounting import OpenCounting
from bounces.models import BounceMailbox
from contacts.audience import Audience
from contacts.models import Contact, List
from contacts.provenance import Source
from designs.models import Design
from designs.services import freeze
from relays.models import Pool, Relay
from sending.models import Mailing, Message
from sending.services.mailings import open_mailing
from tests import factories
from tests.mailservers.imap import Imap, running
from tests.mailservers.sink import Sink
from tests.mailservers.sink import running as running_sink


@pytest.fixture
def make_list(workspace: Workspace) -> Callable[..., List]:
    return partial(factories.make_list, workspace)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with running_sink() as sink:
        yield sink


@pytest.fixture
def imap() -> Iterator[Imap]:
    with running() as imap:
        yield imap


@pytest.fixture
def mailbox(workspace: Workspace, imap: Imap) -> BounceMailbox:
    return factories.make_mailbox(workspace, imap.port)


@pytest.fixture
def relay(workspace: Workspace) -> Relay:
    """Tested, but nothing answers there."""
    return factories.make_relay(
        workspace,
        name="Main",
        host="localhost",
        port=2525,
        tested_at=timezone.now(),
        bounce_address=factories.BOUNCE_ADDRESS,
    )


@pytest.fixture
def url(workspace: Workspace) -> Callable[..., str]:
    return lambda name, *args: reverse(name, args=[workspace.slug, *args])


@pytest.fixture
def make_mailing(workspace: Workspace) -> Callable[..., Mailing]:
    """One with a tally, without messages."""

    def make(relay: Relay | None = None, pool: Pool | None = None, **values: Any) -> Mailing:
        content = factories.make_content(workspace, subject="Hello {{ first_name }} 你好")
        return factories.make_mailing(
            workspace, content=content, relay=relay, pool=pool, tally={}, **values
        )

    return make


@pytest.fixture
def sent(workspace: Workspace, make_list: Callable[..., Any]) -> Callable[..., list[Message]]:
    """A mailing to the addresses whose messages the server has taken (or `state`)."""

    def make(*addresses: str, state: int = Message.State.ACCEPTED) -> list[Message]:
        relay, _ = Relay.objects.get_or_create(
            workspace=workspace, name="Relay", host="smtp.relay.example"
        )
        design = factories.make_design(
            workspace, name=f"Design {Design.objects.count()}", html="<p>Hello</p>"
        )
        target = make_list(list(addresses), name=f"List {Mailing.objects.count()}")
        mailing = open_mailing(
            workspace=workspace,
            source=Source("campaign", 7),
            content=freeze(design, subject="Hello"),
            from_name="Brand",
            from_email="news@brand.example",
            relay=relay,
            audience=Audience.of_lists(workspace.pk, [target.pk]),
            open_counting=OpenCounting.EVERYBODY,
        )
        rows = Message.objects.filter(mailing=mailing)
        rows.update(state=state, settled_at=timezone.now(), reason="" if state == 2 else "in_doubt")
        column = Message.State(state).name.lower()
        tally = mailing.tally
        setattr(tally, column, tally.waiting)
        tally.with_pixel = rows.filter(state=Message.State.ACCEPTED, counts_opens=True).count()
        tally.waiting = 0
        tally.save()
        assert Contact.objects.count() >= len(addresses)
        return list(rows.select_related("mailing").order_by("pk"))

    return make


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that nobody vouches for, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    directory = tmp_path_factory.mktemp("certificate")
    public, private = directory / "cert.pem", directory / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return public, context
