"""What is wrong with a private key for SFTP, to tell a person what to do. Pure.

The key is looked at as a text: a library says only that it can't read it.
"""

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
    load_ssh_private_key,
)

PUBLIC = re.compile(
    r"(ssh-|ecdsa-sha2-|sk-)\S+ AAAA|-----BEGIN [A-Z ]*PUBLIC KEY-----|---- BEGIN SSH2 PUBLIC KEY"
)
# PKCS #8 says it in its first line, older PEM files in a header.
ENCRYPTED = re.compile(
    r"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE
)
OPENSSH = re.compile(r"-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)")
# The beginning of an OpenSSH key (PROTOCOL.key): its mark, then the cipher as a string.
MARK, NO_CIPHER = b"openssh-key-v1\0", b"\0\0\0\4none"


def wrong(text: str) -> str:
    """A key of contacts.fetchreasons; "": it can be used."""
    text = text.strip()
    if PUBLIC.match(text):
        return "public_key"
    if ENCRYPTED.search(text) or _has_cipher(text):
        return "passphrase"
    data = text.encode()
    read = load_ssh_private_key if b"OPENSSH" in data[:50] else load_pem_private_key
    try:
        read(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "private_key"
    return ""


def _has_cipher(text: str) -> bool:
    found = OPENSSH.search(text)
    if not found:
        return False
    packed = "".join(found[1].split())[:40]
    try:
        beginning = base64.b64decode(packed)
    except binascii.Error:
        return False
    return beginning.startswith(MARK) and not beginning.startswith(MARK + NO_CIPHER)
