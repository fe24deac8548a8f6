"""Members of a workspace and their roles.

The rules, each raising MemberError: a workspace always has an owner; only owners give and take away
the role of owner; a role with MANAGE_MEMBERS may do the rest.
"""

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.exceptions import MemberError
from accounts.models import Membership, User, Workspace
from accounts.permissions import Permission, Role, allows


def roles_to_give(by: Membership) -> list[Role]:
    """The roles that this member may give to others."""
    return [role for role in Role if role != Role.OWNER or by.role == Role.OWNER]


def require_may_give(role: str, by: Membership) -> None:
    if not allows(by.role, Permission.MANAGE_MEMBERS):
        raise MemberError(_("Your role does not allow this."))
    if role not in roles_to_give(by):
        raise MemberError(_("Only an owner can make somebody an owner."))


@transaction.atomic
def change_role(member: Membership, role: str, *, by: Membership) -> None:
    _lock(member.workspace_id)
    member, by = _now(member), _now(by)
    require_may_give(role, by)
    if member.role == Role.OWNER and role != Role.OWNER:
        _require_owner(by)
        _require_another_owner(member)
    member.role = role
    member.save(update_fields=["role"])


@transaction.atomic
def remove(member: Membership, *, by: Membership) -> None:
    """Ends the membership. The account, and everything that the person made, stay."""
    _lock(member.workspace_id)
    member, by = _now(member), _now(by)
    if not allows(by.role, Permission.MANAGE_MEMBERS):
        raise MemberError(_("Your role does not allow this."))
    if member.role == Role.OWNER:
        _require_owner(by)
        _require_another_owner(member)
    member.delete()


@transaction.atomic
def leave(member: Membership) -> None:
    _lock(member.workspace_id)
    member = _now(member)
    if member.role == Role.OWNER:
        _require_another_owner(member)
    member.delete()


def add(workspace: Workspace, user: User, role: str) -> Membership:
    """Makes the person a member. An existing member keeps their role."""
    member, _made = Membership.objects.get_or_create(
        workspace=workspace, user=user, defaults={"role": role}
    )
    return member


def _lock(workspace_id: int) -> None:
    """One change of a workspace's members at a time: two owners can't remove each other."""
    Workspace.objects.select_for_update().get(pk=workspace_id)


def _now(member: Membership) -> Membership:
    """The member as of now, read under the lock."""
    found = Membership.objects.filter(pk=member.pk).first()
    if found is None:
        raise MemberError(_("This person is no longer a member."))
    return found


def _require_owner(by: Membership) -> None:
    if by.role != Role.OWNER:
        raise MemberError(_("Only an owner can change or remove an owner."))


def _require_another_owner(member: Membership) -> None:
    owners = Membership.objects.filter(workspace_id=member.workspace_id, role=Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise MemberError(_("The workspace needs an owner. Make somebody else an owner first."))
