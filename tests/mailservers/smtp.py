"""An SMTP server on a socket that can be told how to be wrong, for tests of the dialogue with a
relay; and certificates, good and bad."""

import asyncio
import datetime as dt
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.mailservers import threads

DAY = dt.timedelta(days=1)
# From 3.13 on, Python wants what RFC 5280 says of an authority's certificate (4.2.1.3).
SIGNS = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


@dataclass
class Habits:
    """How the server behaves. `replies`: by verb, instead of a friendly one."""

    greeting: bytes | None = b"220 mail.test ESMTP\r\n"
    extensions: tuple[str, ...] = ("8BITMIME",)
    replies: dict[str, bytes] = field(default_factory=dict)
    # For STARTTLS, and from the first byte on if `implicit`.
    context: ssl.SSLContext | None = None
    implicit: bool = False
    login: tuple[bytes, ...] = ()
    # The connection is closed instead of an answer to this verb.
    hang_up_at: str = ""
    heard: list[bytes] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)


class Session:
    def __init__(
        self, habits: Habits, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.habits = habits
        self.reader = reader
        self.writer = writer

    async def run(self) -> None:
        if self.habits.greeting is None:
            await self.reader.read()
            return
        self.writer.write(self.habits.greeting)
        while line := await self.reader.readline():
            self.habits.heard.append(line)
            verb = line.split()[0].decode("latin-1").upper() if line.split() else ""
            if verb == self.habits.hang_up_at:
                return
            if verb in self.habits.replies:
                self.writer.write(self.habits.replies[verb])
                continue
            await self._answer(verb, line)
            if verb == "QUIT":
                return

    async def _answer(self, verb: str, line: bytes) -> None:
        if verb == "EHLO":
            lines = ["mail.test", *self.habits.extensions]
            for place, word in enumerate(lines):
                self.writer.write(f"250{' -'[place < len(lines) - 1]}{word}\r\n".encode())
        elif verb == "STARTTLS":
            self.writer.write(b"220 ready\r\n")
            assert self.habits.context
            await self.writer.start_tls(self.habits.context)
        elif verb == "AUTH":
            await self._auth(line.split()[1])
        elif verb == "DATA":
            self.writer.write(b"354 go\r\n")
            self.habits.mails.append(await self.reader.readuntil(b"\r\n.\r\n"))
            self.writer.write(b"250 2.0.0 taken as 4711\r\n")
        else:
            self.writer.write(b"221 bye\r\n" if verb == "QUIT" else b"250 ok\r\n")

    async def _auth(self, method: bytes) -> None:
        for challenge in self.habits.login:
            self.writer.write(b"334 " + challenge + b"\r\n")
            self.habits.heard.append(await self.reader.readline())
        self.writer.write(b"235 2.7.0 welcome by " + method + b"\r\n")


@contextmanager
def serving(habits: Habits) -> Iterator[int]:
    """The port of a server with these habits."""

    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Session(habits, reader, writer).run()

    with threads.serving(session, tls=habits.context if habits.implicit else None) as port:
        yield port


@dataclass(frozen=True)
class Authority:
    """Signs certificates; `trusted` is the file that a client must know."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    trusted: Path


def make_authority(folder: Path) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Test authority")
    certificate = (
        _builder(name, key, name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(SIGNS, critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted = folder / "authority.pem"
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(certificate, key, trusted)


def server_context(
    folder: Path,
    *,
    authority: Authority | None = None,
    host: str = "localhost",
    expired: bool = False,
) -> ssl.SSLContext:
    """A server's TLS with a certificate for the host; without an authority signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(host)
    issuer = authority.certificate.subject if authority else name
    # From 3.13 on, Python asks for the key identifier of the issuer (RFC 5280, 4.2.1.1).
    signer = authority.key if authority else key
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        _builder(name, key, issuer, expired=expired)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(known, critical=False)
    )
    certificate = builder.sign(signer, hashes.SHA256())
    file = folder / f"server-{certificate.serial_number}.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    name: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name, *, expired: bool = False
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 30 * DAY)
        .not_valid_after(now - DAY if expired else now + 30 * DAY)
    )
