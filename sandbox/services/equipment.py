"""The sandbox relay and the sandbox mailbox of a workspace. If the sandbox is on, each new
workspace gets them."""

import secrets as random
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import secrets
from accounts.models import Workspace
from bounces.models import BounceMailbox
from relays.models import Relay, Security

# In `managed_by` (relays.managers).
NAME = "sandbox"


@dataclass(frozen=True, slots=True)
class SandboxPlace:
    """The sandbox's host and ports, and the address that its bounces are sent to."""

    host: str
    smtp_port: int
    imap_port: int
    bounce_address: str


@transaction.atomic
def equip(workspace: Workspace, place: SandboxPlace) -> Relay:
    """Gives the workspace a sandbox relay and mailbox, unless it has them. Returns the relay."""
    Workspace.objects.select_for_update().get(pk=workspace.pk)
    found = Relay.objects.filter(workspace=workspace, managed_by=NAME).order_by("pk").first()
    if found:
        return found
    username = f"workspace-{workspace.pk}"
    password = secrets.encrypt(random.token_urlsafe(24))
    BounceMailbox.objects.create(
        workspace=workspace,
        name=free_name(BounceMailbox, workspace),
        host=place.host,
        port=place.imap_port,
        security=Security.NONE,
        username=username,
        password=password,
        after=BounceMailbox.After.DELETE,
        managed_by=NAME,
    )
    return add_relay(workspace, place, name=free_name(Relay, workspace), password=password)


def add_relay(
    workspace: Workspace,
    place: SandboxPlace,
    *,
    name: str,
    password: bytes,
    per_second: int | None = None,
) -> Relay:
    """Creates a sandbox relay. `password`: encrypted, as it is stored."""
    return Relay.objects.create(
        workspace=workspace,
        name=name,
        host=place.host,
        port=place.smtp_port,
        security=Security.NONE,
        username=f"workspace-{workspace.pk}",
        password=password,
        per_second=per_second,
        envelope=Relay.Envelope.VERP,
        bounce_address=place.bounce_address,
        managed_by=NAME,
        delivers=False,
    )


def move(place: SandboxPlace) -> None:
    """Updates host and ports of all sandbox relays and mailboxes."""
    relays = Relay.objects.filter(managed_by=NAME)
    relays.update(host=place.host, port=place.smtp_port, bounce_address=place.bounce_address)
    mailboxes = BounceMailbox.objects.filter(managed_by=NAME)
    mailboxes.update(host=place.host, port=place.imap_port)


@transaction.atomic
def renew_logins() -> int:
    """Sets new passwords if the stored ones can't be decrypted, because the secret key has changed.
    Returns the number of workspaces that got one."""
    relays = Relay.objects.filter(managed_by=NAME)
    lost = {relay.workspace_id for relay in relays if not _readable(relay.password)}
    for workspace_id in lost:
        password = secrets.encrypt(random.token_urlsafe(24))
        for model in (Relay, BounceMailbox):
            model.objects.filter(workspace_id=workspace_id, managed_by=NAME).update(
                password=password
            )
    return len(lost)


def _readable(password: bytes | memoryview | None) -> bool:
    try:
        return bool(secrets.decrypt(password))
    except secrets.SecretError:
        return False


def free_name(model: type[Relay | BounceMailbox], workspace: Workspace) -> str:
    """ "Sandbox", with a number if the name is taken."""
    taken = set(model.objects.filter(workspace=workspace).values_list("name", flat=True))
    name, number = str(_("Sandbox")), 2
    while name in taken:
        name, number = f"{_('Sandbox')} {number}", number + 1
    return name
