"""Checks log-ins to the sandbox. Its users are those of the sandbox relays and mailboxes."""

import hmac

from accounts.secrets import SecretError, decrypt
from bounces.models import BounceMailbox
from relays.models import Relay
from sandbox.services.equipment import NAME


def workspace_of(username: str, password: str) -> int | None:
    """The workspace that the login belongs to; None if it is wrong."""
    if not username or not password:
        return None
    for model in (Relay, BounceMailbox):
        rows = model.objects.filter(managed_by=NAME, username=username)
        for workspace, secret in rows.values_list("workspace_id", "password"):
            if _is(secret, password):
                return int(workspace)
    return None


def _is(secret: bytes | memoryview | None, password: str) -> bool:
    try:
        expected = decrypt(secret)
    except SecretError:
        return False
    return bool(expected) and hmac.compare_digest(expected.encode(), password.encode())
