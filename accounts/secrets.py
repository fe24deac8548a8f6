"""Passwords of relays and mailboxes, encrypted at rest (Fernet: AES-128-CBC with HMAC-SHA256)."""

import base64
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from accounts.exceptions import AccountsError


class SecretError(AccountsError):
    """A stored secret can't be read, because YANSHU_SECRET_KEY has changed since it was stored."""


def keys() -> tuple[str, ...]:
    """The keys of the installation: the current one first, then the former ones."""
    return (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def encrypt(text: str) -> bytes:
    return _fernet(*keys()).encrypt(text.encode())


def decrypt(stored: bytes | memoryview | None) -> str:
    """The secret; "" for none. Raises SecretError."""
    if not stored:
        return ""
    try:
        return _fernet(*keys()).decrypt(bytes(stored)).decode()
    except InvalidToken as error:
        raise SecretError(
            "The stored password can't be read, because YANSHU_SECRET_KEY has changed. "
            "Enter the password again, or put the old key into YANSHU_SECRET_KEY_OLD."
        ) from error


@cache
def _fernet(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(derive(key, b"secrets"))) for key in keys])


def derive(key: str, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=b"yanshu " + purpose).derive(key.encode())
