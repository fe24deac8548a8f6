"""Relays: made, changed, paused, resumed, archived; and what a composer needs to know of them."""

from sending.exchange import Server
from sending.models import Relay
from sending.secrets import decrypt


def server_of(relay: Relay) -> Server:
    """What is needed to reach the relay. Raises SecretError."""
    return Server(
        host=relay.host,
        port=relay.port,
        security=relay.security,
        username=relay.username,
        password=decrypt(relay.password),
        trusted=relay.is_sandbox,
    )
