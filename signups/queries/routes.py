"""The relays and pools that a form's mails can go through."""

from accounts.models import Workspace
from relays.models import Pool, Relay
from signups.models import SignupForm

POOL, RELAY = "pool", "relay"


def choices(workspace: Workspace) -> list[tuple[str, str]]:
    """[(key, name)]: pools first, then relays that deliver, then others. Archived relays are left
    out."""
    pools = Pool.objects.filter(workspace=workspace).order_by("name")
    relays = Relay.objects.filter(workspace=workspace, archived_at=None)
    return [
        *((f"{POOL}-{one.pk}", one.name) for one in pools),
        *((f"{RELAY}-{one.pk}", one.name) for one in relays.order_by("-delivers", "name")),
    ]


def key_of(form: SignupForm) -> str:
    if form.pool_id:
        return f"{POOL}-{form.pool_id}"
    return f"{RELAY}-{form.relay_id}" if form.relay_id else ""


def chosen(key: str) -> dict[str, int | None]:
    """The values of a form's columns for a key of `choices`."""
    kind, _dash, pk = key.partition("-")
    number = int(pk) if pk else None
    return {
        "relay_id": number if kind == RELAY else None,
        "pool_id": number if kind == POOL else None,
    }
