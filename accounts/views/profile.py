"""A person's own settings."""

from typing import cast

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts.forms import ChangePasswordForm, ProfileForm
from accounts.models import User
from accounts.services import people
from accounts.views.entrance import too_many
from pages import languages


@login_required
def profile(request: HttpRequest) -> HttpResponseBase:
    user = cast("User", request.user)
    initial = {"name": user.name, "timezone": user.timezone, "language": user.language}
    form = ProfileForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        people.change(user, **form.cleaned_data)
        # The message is in the language that was just chosen.
        with translation.override(languages.of_request(request)):
            messages.success(request, _("Saved."))
        return redirect("profile")
    return render(request, "accounts/profile.html", {"form": form})


@sensitive_post_parameters("current", "password")
@login_required
def change_password(request: HttpRequest) -> HttpResponseBase:
    user = cast("User", request.user)
    if not ratelimit.consume(request, action="change_password", user=user):
        return too_many(request)
    form = ChangePasswordForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        people.change_password(user, form.cleaned_data["password"])
        update_session_auth_hash(request, user)
        messages.success(request, _("Your new password is set. Other browsers are logged out."))
        return redirect("profile")
    return render(request, "accounts/change_password.html", {"form": form})
