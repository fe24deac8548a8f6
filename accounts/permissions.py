"""The table of what each role may do. This module knows neither users nor requests."""

from enum import StrEnum

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    OWNER = "owner", _("Owner")
    MANAGER = "manager", _("Manager")
    EDITOR = "editor", _("Editor")
    VIEWER = "viewer", _("Viewer")


class Permission(StrEnum):
    """A permission. Each workspace URL names the one that it needs."""

    VIEW = "view"  # read every page and report
    EXPORT = "export"  # take contacts and reports out as CSV
    EDIT_CONTACTS = "edit_contacts"  # contacts, lists, attributes, imports, suppressions
    EDIT_DESIGNS = "edit_designs"
    EDIT_CAMPAIGNS = "edit_campaigns"  # drafts and test sends
    SEND = "send"  # schedule, send, pause, resume, cancel
    MANAGE_SENDING = "manage_sending"  # relays, pools, bounce mailboxes
    MANAGE_MEMBERS = "manage_members"
    MANAGE_WORKSPACE = "manage_workspace"  # settings; delete


VIEWER = frozenset({Permission.VIEW})
EDITOR = VIEWER | {
    Permission.EXPORT,
    Permission.EDIT_CONTACTS,
    Permission.EDIT_DESIGNS,
    Permission.EDIT_CAMPAIGNS,
}
MANAGER = EDITOR | {
    Permission.SEND,
    Permission.MANAGE_SENDING,
    Permission.MANAGE_MEMBERS,
}
OWNER = MANAGER | {Permission.MANAGE_WORKSPACE}

ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.OWNER: OWNER,
    Role.MANAGER: MANAGER,
    Role.EDITOR: EDITOR,
    Role.VIEWER: VIEWER,
}


# Texts of the table on the members page.
WORDS: dict[Permission, Promise] = {
    Permission.VIEW: _("See every page and report"),
    Permission.EXPORT: _("Export contacts and reports as CSV"),
    Permission.EDIT_CONTACTS: _("Change contacts and lists, import, suppress"),
    Permission.EDIT_DESIGNS: _("Create and edit designs"),
    Permission.EDIT_CAMPAIGNS: _("Prepare campaigns and send tests"),
    Permission.SEND: _("Schedule, send, pause and cancel campaigns"),
    Permission.MANAGE_SENDING: _("Set up relays and bounce mailboxes"),
    Permission.MANAGE_MEMBERS: _("Invite and remove members, change roles"),
    Permission.MANAGE_WORKSPACE: _("Change the settings, make owners, delete the workspace"),
}
# One line about each role, shown where a role is chosen.
SUMMARIES: dict[Role, Promise] = {
    Role.OWNER: _("Does everything, including the settings of the workspace."),
    Role.MANAGER: _("Sends campaigns, and looks after relays and members."),
    Role.EDITOR: _("Prepares contacts, designs and campaigns; can't send."),
    Role.VIEWER: _("Sees everything, changes nothing."),
}


def allows(role: Role | str, permission: Permission) -> bool:
    return permission in ALLOWED[Role(role)]
