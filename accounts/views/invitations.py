"""The page behind the link of an invitation."""

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import landing, throttles
from accounts.exceptions import InvitationError
from accounts.forms import NewcomerForm
from accounts.models import Invitation, Membership, User
from accounts.services import invitations


@sensitive_post_parameters("password")
def invitation(request: HttpRequest, token: str) -> HttpResponseBase:
    """Creates the account of a newcomer. Asks a logged-in person to confirm; tells them if the
    invitation is for another account."""
    found = invitations.find(token)
    if found is None:
        return render(request, "accounts/invitation_gone.html", status=404)
    if found.expires_at <= timezone.now():
        return render(
            request, "accounts/invitation_expired.html", {"invitation": found}, status=410
        )
    if request.user.is_authenticated:
        return _for_account(request, found, request.user)
    if invitations.has_account(found):
        return render(request, "accounts/invitation_log_in.html", {"invitation": found})
    return _for_newcomer(request, found)


def _for_account(request: HttpRequest, found: Invitation, user: User) -> HttpResponseBase:
    if user.email != found.email:
        context = {"invitation": found, "known": invitations.has_account(found)}
        return render(request, "accounts/invitation_wrong.html", context)
    if request.method == "POST":
        try:
            return _arrive(request, invitations.accept(found, user))
        except InvitationError as error:
            messages.error(request, str(error))
            return redirect("start")
    return render(request, "accounts/invitation.html", {"invitation": found})


def _for_newcomer(request: HttpRequest, found: Invitation) -> HttpResponseBase:
    form = NewcomerForm(request.POST or None, email=found.email, initial={"timezone": "UTC"})
    if request.method == "POST" and form.is_valid():
        try:
            membership = invitations.join(found, **form.cleaned_data)
        except InvitationError as error:
            form.add_error(None, str(error))
        else:
            login(request, membership.user)
            return _arrive(request, membership)
    return render(request, "accounts/invitation.html", {"invitation": found, "form": form})


def _arrive(request: HttpRequest, membership: Membership) -> HttpResponse:
    words = _("Welcome to {workspace}.")
    messages.success(request, words.format(workspace=membership.workspace.name))
    response = redirect(landing.home_of(request, membership))
    throttles.remember(request, response, membership.user.email)
    return response
