"""Fixtures that several apps' tests need; tests/conftest.py imports them."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.urls import reverse
from django.utils import timezone

from accounts import secrets
from accounts.models import Workspace
from bounces.models import BounceMailbox
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from designs.models import Content, Design
from designs.services import freeze
from relays.models import Pool, Relay
from sending.models import Mailing, Message, Tally
from sending.services.mailings import open_mailing
from tests import factories
from tests.mailservers.imap import PASSWORD, USER, Imap, running


@pytest.fixture
def make_list(workspace: Workspace) -> Callable[..., List]:
    def make(addresses: list[str], name: str = "Newsletter") -> List:
        made = List.objects.create(workspace=workspace, name=name)
        contacts = Contact.objects.bulk_create(
            [
                Contact(workspace=workspace, email=address, first_name=address.split("@")[0])
                for address in addresses
            ],
            ignore_conflicts=True,
        )
        contacts = list(Contact.objects.filter(workspace=workspace, email__in=addresses))
        Subscription.objects.bulk_create([Subscription(list=made, contact=c) for c in contacts])
        return made

    return make


@pytest.fixture
def imap() -> Iterator[Imap]:
    with running() as imap:
        yield imap


@pytest.fixture
def mailbox(workspace: Workspace, imap: Imap) -> BounceMailbox:
    return BounceMailbox.objects.create(
        workspace=workspace,
        name="Bounces",
        host="127.0.0.1",
        port=imap.port,
        security="none",
        username=USER,
        password=secrets.encrypt(PASSWORD),
        # Our own server on loopback, which no other mailbox may name.
        managed_by="sandbox",
    )


@pytest.fixture
def relay(workspace: Workspace) -> Relay:
    return Relay.objects.create(
        workspace=workspace,
        name="Main",
        host="localhost",
        port=2525,
        security="none",
        tested_at=timezone.now(),
        bounce_address="bounces@brand.example",
    )


@pytest.fixture
def url(workspace: Workspace) -> Callable[..., str]:
    return lambda name, *args: reverse(name, args=[workspace.slug, *args])


@pytest.fixture
def make_mailing(workspace: Workspace) -> Callable[..., Mailing]:
    def make(relay: Relay | None = None, pool: Pool | None = None, **values: Any) -> Mailing:
        mailing = factories.make_mailing(
            workspace,
            source=Source("campaign", 7),
            content=Content.objects.create(
                workspace=workspace, subject="Hello {{ first_name }} 你好", text="x"
            ),
            from_email="news@brand.example",
            relay=relay,
            pool=pool,
            retry_for=timedelta(days=2),
            **values,
        )
        Tally.objects.create(mailing=mailing)
        return mailing

    return make


@pytest.fixture
def sent(workspace: Workspace, make_list: Callable[..., Any]) -> Callable[..., list[Message]]:
    """A mailing to the addresses whose messages the server has taken (or `state`)."""

    def make(*addresses: str, state: int = Message.State.ACCEPTED) -> list[Message]:
        relay, _ = Relay.objects.get_or_create(
            workspace=workspace, name="Relay", host="smtp.relay.example"
        )
        design = Design.objects.create(
            workspace=workspace, name=f"Design {Design.objects.count()}", html="<p>Hello</p>"
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
        )
        rows = Message.objects.filter(mailing=mailing)
        rows.update(state=state, settled_at=timezone.now(), reason="" if state == 2 else "in_doubt")
        column = Message.State(state).name.lower()
        tally = mailing.tally
        setattr(tally, column, tally.waiting)
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
