"""Addresses of files that are fetched: `https://host/path` and `sftp://host/path`. Pure.

They hold no user and no password: these have fields of their own, which are encrypted.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

import idna

from contacts.exceptions import ContactsError

LONGEST = 2000
HTTPS, SFTP = "https", "sftp"
PORTS = {HTTPS: 443, SFTP: 22}
# RFC 3986: what a path or a query has beside letters, digits and "%".
PATH_SIGNS = "/:@!$&'()*+,;=~-._%"
# What an address may hold of a secret: its user, and what follows its path.
USER = re.compile(r"(?<=//)[^/?#]*@")
HIDDEN_QUERY = "?…"
AFTER_PATH = re.compile(r"([?#]).*", re.DOTALL)
ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")


class FileAddressError(ContactsError, ValueError):
    """The address can't be used. `code`: a key of contacts.fetchreasons."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class FileAddress:
    """`host` is ASCII, in lower case; `target`: path and query, percent-encoded."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def place(self) -> tuple[str, str, int]:
        """What a log-in is meant for."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def text(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def path(self) -> str:
        """Decoded, without the query."""
        return unquote(self.target.partition("?")[0])

    @property
    def filename(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def shown(self) -> str:
        """For everybody in the workspace: a query may hold a secret."""
        return shown(self.text)

    @property
    def base(self) -> str:
        """Without the query."""
        return self.text.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def redirected(self, location: str) -> "FileAddress":
        """The address that a reply leads to. Raises FileAddressError; only https is followed."""
        try:
            text = urljoin(self.text, location)
        except ValueError as error:
            raise FileAddressError("address") from error
        if not text.lower().startswith("https://"):
            raise FileAddressError("redirect_insecure")
        return parse(text)


def shown(address: str) -> str:
    """An address, also one that can't be read, without user, query and fragment."""
    return USER.sub("", AFTER_PATH.sub(r"\1…", address))


def without_secrets(text: str) -> str:
    """A text of one line, such as an error of a server, with its addresses as they are shown."""
    return " ".join(shown(word) if _may_be_address(word) else word for word in text.split(" "))


def _may_be_address(word: str) -> bool:
    path, _mark, query = word.partition("?")
    return "//" in word or ("/" in path and query != "") or "=" in query


def parse(text: str) -> FileAddress:
    """Raises FileAddressError. Blanks and hanzi of path and query are percent-encoded."""
    text = text.strip()
    if len(text) > LONGEST or any(_is_control(sign) for sign in text):
        raise FileAddressError("address")
    try:
        parts = urlsplit(text)
        port = parts.port
        host = parts.hostname or ""
    except ValueError as error:
        raise FileAddressError("address") from error
    if parts.scheme not in PORTS:
        raise FileAddressError("scheme")
    if "@" in parts.netloc:
        raise FileAddressError("user_in_address")
    wrong = "sftp_address" if parts.scheme == SFTP else "address"
    if not host or port == 0 or any(sign.isspace() for sign in host):
        raise FileAddressError(wrong)
    if parts.scheme == SFTP and (parts.query or parts.path.endswith("/") or not parts.path):
        raise FileAddressError(wrong)
    target = _quoted(parts.path or "/")
    if parts.query:
        target += "?" + _quoted(parts.query, also="?")
    address = FileAddress(parts.scheme, _ascii(host), port or PORTS[parts.scheme], target)
    if len(address.text) > LONGEST:
        raise FileAddressError("address")
    return address


def _is_control(sign: str) -> bool:
    """Whether it breaks lines or is not visible; blanks of any kind are in names of files."""
    kind = unicodedata.category(sign)
    return kind.startswith("C") or kind in {"Zl", "Zp"}


def _quoted(text: str, *, also: str = "") -> str:
    """Percent-encoded where it is not yet."""
    return quote(ENCODED.sub("%25", text), safe=PATH_SIGNS + also)


def _ascii(host: str) -> str:
    if ":" in host or host.isascii():
        return host.rstrip(".")
    try:
        return idna.encode(host.rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise FileAddressError("address") from error
