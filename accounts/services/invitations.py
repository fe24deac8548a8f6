"""Invitations: a link by mail that makes its holder a member, once, within seven days.

Only the digest of a link's token is stored: we can send a new link, but can't show an old one
again.
"""

import hashlib
import secrets
from datetime import timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import notices
from accounts.exceptions import InvitationError
from accounts.models import Invitation, Membership, User, Workspace
from accounts.services import members

DAYS = 7


def invite(workspace: Workspace, *, email: str, role: str, by: Membership) -> Invitation:
    """Invites the address and sends the mail. An open invitation gets the new role and a new link.

    Raises InvitationError, MemberError, or MailNotSentError when the invitation is made but the
    mail could not be sent (`resend` tries again).
    """
    members.require_may_give(role, by)
    address = email.strip().lower()
    if Membership.objects.filter(workspace=workspace, user__email=address).exists():
        raise InvitationError(_("{email} is a member already.").format(email=address))
    token = _new_token()
    invitation, _made = Invitation.objects.update_or_create(
        workspace=workspace,
        email=address,
        accepted_at=None,
        defaults={"role": role, "invited_by": by.user, **_fresh(token)},
    )
    _send(invitation, token)
    return invitation


def resend(invitation: Invitation, *, by: Membership) -> None:
    """Sends a new link, valid for seven days. The former link stops working. Raises the same errors
    as `invite`."""
    members.require_may_give(invitation.role, by)
    token = _new_token()
    if not _open().filter(pk=invitation.pk).update(**_fresh(token)):
        raise InvitationError(_("This invitation has been accepted or withdrawn."))
    _send(invitation, token)


def withdraw(invitation: Invitation) -> bool:
    """Returns False if the invitation isn't open any more, for example if it was just accepted."""
    return bool(_open().filter(pk=invitation.pk).delete()[0])


def find(token: str) -> Invitation | None:
    """The invitation of a link, also an expired one; None if it was accepted or withdrawn."""
    found = _open().select_related("workspace", "invited_by")
    return found.filter(token_digest=_digest(token), workspace__deleted_at=None).first()


@transaction.atomic
def accept(invitation: Invitation, user: User) -> Membership:
    """The invited person, logged in, becomes a member. Raises InvitationError."""
    if user.email != invitation.email:
        words = _("This invitation is for {email}.")
        raise InvitationError(words.format(email=invitation.email))
    now = timezone.now()
    # A conditional update: one of two simultaneous requests wins, and a withdrawn invitation fails.
    if not _open().filter(pk=invitation.pk, expires_at__gt=now).update(accepted_at=now):
        raise InvitationError(_("This invitation has been used, withdrawn, or has expired."))
    return members.add(invitation.workspace, user, invitation.role)


@transaction.atomic
def join(invitation: Invitation, *, password: str, **person: str) -> Membership:
    """Makes the account of a newcomer (`person`: name, timezone, language) and accepts."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(invitation.email, password, **person)
    except IntegrityError as error:
        raise InvitationError(_("There is an account with this address. Log in.")) from error
    return accept(invitation, user)


def has_account(invitation: Invitation) -> bool:
    return User.objects.filter(email=invitation.email).exists()


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted_at=None)


def _new_token() -> str:
    return secrets.token_urlsafe(32)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _fresh(token: str) -> dict[str, object]:
    expires_at = timezone.now() + timedelta(days=DAYS)
    return {"token_digest": _digest(token), "expires_at": expires_at}


def _send(invitation: Invitation, token: str) -> None:
    """In the language of the invited person's account, if one exists, else in the inviter's."""
    known = User.objects.filter(email=invitation.email).values_list("language", flat=True).first()
    notices.send(
        "invitation",
        to=invitation.email,
        language=known or "",
        by=str(invitation.invited_by or ""),
        workspace=invitation.workspace.name,
        days=DAYS,
        url=settings.PUBLIC_URL + reverse("invitation", args=[token]),
    )
