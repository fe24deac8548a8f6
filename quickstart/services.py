"""What the mail sandbox needs in each workspace, and the verbs of its pages."""

from django.conf import settings

from accounts.models import Workspace
from quickstart.models import SandboxMail
from quickstart.sandbox.returns import DOMAIN
from quickstart.sandbox.store import KEPT
from sending.models import Relay
from sending.services import sandbox
from sending.services.sandbox import Place

__all__ = ["KEPT", "clear", "ensure_all", "place", "provision"]


def place() -> Place:
    """Where the sandbox listens."""
    return Place(
        host="127.0.0.1",
        smtp_port=settings.SANDBOX_SMTP_PORT,
        imap_port=settings.SANDBOX_IMAP_PORT,
        bounce_address=f"bounces@{DOMAIN}",
    )


def provision(workspace: Workspace) -> None:
    """A new workspace's relay and bounce mailbox in the sandbox; nothing where it is off."""
    if settings.SANDBOX:
        sandbox.equip(workspace, place())


def ensure_all() -> None:
    """Ports may have changed since the last start, and workspaces may be older than the sandbox."""
    sandbox.move(place())
    sandbox.renew_logins()
    equipped = Relay.objects.filter(is_sandbox=True).values("workspace")
    living = Workspace.objects.filter(deleted_at=None)
    for workspace in living.exclude(pk__in=equipped):
        sandbox.equip(workspace, place())


def clear(workspace: Workspace) -> int:
    """Removes the workspace's mails from the sandbox; how many. What came back of them stays in
    the mailbox until it is collected."""
    return (
        SandboxMail.objects.filter(workspace=workspace).delete()[1].get("quickstart.SandboxMail", 0)
    )
