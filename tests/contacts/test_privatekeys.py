"""What is wrong with a private key."""

import base64

import asyncssh
import pytest

from contacts import privatekeys
from tests.contacts.sftpservers import USER_KEY

RSA = asyncssh.generate_private_key("ssh-rsa", key_size=2048)
# The beginning of a key that ssh-keygen has encrypted.
LOCKED = base64.b64encode(b"openssh-key-v1\0\0\0\0\naes256-ctr\0\0\0\6bcrypt" + bytes(40)).decode()


def pem(form: str, passphrase: str | None = None) -> str:
    return RSA.export_private_key(form, passphrase=passphrase).decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (USER_KEY.export_private_key("openssh").decode(), ""),
        ("\n" + pem("pkcs8-pem"), ""),
        (pem("pkcs1-pem"), ""),
        (pem("pkcs8-pem", "x"), "passphrase"),
        (pem("pkcs1-pem", "x"), "passphrase"),
        (
            f"-----BEGIN OPENSSH PRIVATE KEY-----\n{LOCKED}\n-----END OPENSSH PRIVATE KEY-----",
            "passphrase",
        ),
        (USER_KEY.export_public_key("openssh").decode(), "public_key"),
        (RSA.export_public_key("pkcs8-pem").decode(), "public_key"),
        (RSA.export_public_key("rfc4716").decode(), "public_key"),
        ("rubbish", "private_key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "private_key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAA\n", "private_key"),
        ("", "private_key"),
    ],
    ids=[
        "OpenSSH", "PKCS 8", "PKCS 1", "PKCS 8 locked", "PKCS 1 locked", "OpenSSH locked",
        "public", "public PEM", "public RFC 4716", "rubbish", "first line", "cut", "nothing",
    ],
)  # fmt: skip
def test_each_fault_has_its_own_words(text: str, code: str) -> None:
    assert privatekeys.wrong(text) == code
