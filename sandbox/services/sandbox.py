"""Equips workspaces for the mail sandbox, and does the actions of its pages."""

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.models import Contact, List, Subscription
from contacts.services import contacts, lists
from relays.models import Relay
from sandbox import samplelist
from sandbox.models import SandboxMail
from sandbox.returns import DOMAIN
from sandbox.services import equipment
from sandbox.services.equipment import SandboxPlace
from sandbox.sources import SANDBOX
from sandbox.store import KEPT

__all__ = ["KEPT", "clear", "ensure_all", "has_sandbox", "make_list", "place", "provision"]


def place() -> SandboxPlace:
    """The sandbox's current host, ports and bounce address."""
    return SandboxPlace(
        host="127.0.0.1",
        smtp_port=settings.SANDBOX_SMTP_PORT,
        imap_port=settings.SANDBOX_IMAP_PORT,
        bounce_address=f"bounces@{DOMAIN}",
    )


def provision(workspace: Workspace) -> None:
    """Gives a new workspace its sandbox relay and mailbox, if the sandbox is on."""
    if settings.SANDBOX:
        equipment.equip(workspace, place())


def ensure_all() -> None:
    """Updates all workspaces when the sandbox starts: its ports may have changed, and older
    workspaces may lack its relay and mailbox."""
    equipment.move(place())
    equipment.renew_logins()
    equipped = Relay.objects.filter(managed_by=equipment.NAME).values("workspace")
    living = Workspace.objects.filter(deleted_at=None)
    for workspace in living.exclude(pk__in=equipped):
        equipment.equip(workspace, place())


def has_sandbox(workspace: Workspace) -> bool:
    relays = Relay.objects.filter(workspace=workspace, managed_by=equipment.NAME, archived_at=None)
    return settings.SANDBOX and relays.exists()


@transaction.atomic
def make_list(workspace: Workspace, *, language: str) -> tuple[List, int]:
    """A list of addresses to try the sandbox with, and how many are on it. Made once, however often
    it is called; who left it or was deleted from the contacts stays so or comes back."""
    sample = [*samplelist.samples(language)]
    contacts.create_missing(
        workspace,
        [
            {"email": one.email} | {name: getattr(one, name) for name in contacts.FIELDS}
            for one in sample
        ],
        source=SANDBOX,
    )
    made = lists.create(
        workspace,
        name=_("Sandbox"),
        description=_("Addresses to try: mail to them stays in the sandbox."),
    )
    people = Contact.objects.filter(workspace=workspace, email__in=[one.email for one in sample])
    lists.subscribe(made, people, source=SANDBOX)
    return made, made.subscriptions.filter(status=Subscription.Status.SUBSCRIBED).count()


def clear(workspace: Workspace) -> int:
    """Removes the workspace's mails from the sandbox. Returns their number. Returned mails stay in
    the mailbox until they are collected."""
    return SandboxMail.objects.filter(workspace=workspace).delete()[1].get("sandbox.SandboxMail", 0)
