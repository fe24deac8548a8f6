"""Members of a workspace and their roles."""

from django.contrib import messages
from django.db.models.functions import Lower
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts import notices
from accounts.access import WorkspaceRequest, get_in
from accounts.exceptions import AccountsError, InvitationError, MailNotSentError, MemberError
from accounts.forms import InvitationForm, RoleForm
from accounts.models import Invitation, Membership
from accounts.permissions import ALLOWED, WORDS, Permission, Role
from accounts.services import invitations
from accounts.services import members as member_service


def members(request: WorkspaceRequest) -> HttpResponse:
    rows = Membership.objects.filter(workspace=request.workspace).select_related("user")
    context = {
        "members": rows.order_by(Lower("user__name"), "user__email"),
        "invitations": _open_invitations(request),
        "notices_stay": notices.stay_here(),
        "now": timezone.now(),
        "roles": list(Role),
        "table": [(WORDS[p], [p in ALLOWED[role] for role in Role]) for p in Permission],
    }
    return render(request, "accounts/members.html", context)


def _open_invitations(request: WorkspaceRequest) -> list[Invitation]:
    if not request.may(Permission.MANAGE_MEMBERS):
        return []
    found = Invitation.objects.filter(workspace=request.workspace, accepted_at=None)
    return list(found.select_related("invited_by").order_by("-created_at"))


def member(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """One member's role, and the way to remove them."""
    one = get_in(request.workspace, Membership, pk=pk)
    form = RoleForm(
        request.POST or None,
        roles=member_service.roles_to_give(request.membership),
        initial={"role": one.role},
    )
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"])
        try:
            member_service.change_role(one, role, by=request.membership)
        except MemberError as error:
            form.add_error("role", str(error))
        else:
            words = _("The role of {person} is now: {role}.")
            messages.success(request, words.format(person=one.user, role=role.label))
            return redirect("members", request.workspace.slug)
    fixed = one.role == Role.OWNER and request.membership.role != Role.OWNER
    return render(request, "accounts/member.html", {"member": one, "form": form, "fixed": fixed})


@require_POST
def remove_member(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Membership, pk=pk)
    try:
        member_service.remove(one, by=request.membership)
    except MemberError as error:
        messages.error(request, str(error))
        return redirect("members", request.workspace.slug)
    messages.success(request, _("{person} is no longer a member.").format(person=one.user))
    if one.user_id == request.user.pk:
        return redirect("start")
    return redirect("members", request.workspace.slug)


@require_POST
def leave_workspace(request: WorkspaceRequest) -> HttpResponseBase:
    try:
        member_service.leave(request.membership)
    except MemberError as error:
        messages.error(request, str(error))
        return redirect("members", request.workspace.slug)
    messages.success(request, _("You left {workspace}.").format(workspace=request.workspace.name))
    return redirect("start")


def invite_member(request: WorkspaceRequest) -> HttpResponseBase:
    roles = member_service.roles_to_give(request.membership)
    form = InvitationForm(request.POST or None, roles=roles, initial={"role": Role.EDITOR})
    if request.method == "POST" and form.is_valid():
        email = form.cleaned_data["email"]
        try:
            invitations.invite(request.workspace, by=request.membership, **form.cleaned_data)
        except InvitationError as error:
            form.add_error("email", str(error))
        except MailNotSentError as error:
            messages.error(request, _("The invitation is saved. {why}").format(why=error))
            return redirect("members", request.workspace.slug)
        else:
            messages.success(request, _sent(_("The invitation was sent to {email}."), email))
            return redirect("members", request.workspace.slug)
    return render(request, "accounts/invite_member.html", {"form": form})


def _sent(words: str, email: str) -> str:
    if notices.stay_here():
        words = _("The invitation for {email} is among the mails of the platform.")
    return words.format(email=email)


@require_POST
def resend_invitation(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Invitation, pk=pk)
    try:
        invitations.resend(one, by=request.membership)
    except AccountsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _sent(_("A new link was sent to {email}."), one.email))
    return redirect("members", request.workspace.slug)


@require_POST
def withdraw_invitation(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    one = get_in(request.workspace, Invitation, pk=pk)
    if invitations.withdraw(one):
        words = _("The invitation for {email} was withdrawn; its link no longer works.")
        messages.success(request, words.format(email=one.email))
    else:
        messages.error(request, _("{email} has accepted it already.").format(email=one.email))
    return redirect("members", request.workspace.slug)
