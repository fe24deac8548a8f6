"""The start page, and our part of allauth's log-in and password reset."""

from typing import cast

from allauth.account.views import PasswordResetView
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from accounts import landing, throttles
from accounts.exceptions import MailNotSentError
from accounts.forms import ResetForm
from accounts.models import User


@require_safe
@login_required
def start(request: HttpRequest) -> HttpResponseBase:
    """/: redirects to the workspace last used. A person without a workspace gets a page that says
    so."""
    membership = landing.membership_for(request, cast("User", request.user))
    if membership is None:
        return render(request, "accounts/no_workspace.html")
    return redirect(landing.home_of(request, membership))


class PasswordReset(PasswordResetView):  # type: ignore[misc]  # allauth has no types
    def form_valid(self, form: ResetForm) -> HttpResponseBase:
        if not throttles.take_reset(self.request, form.cleaned_data["email"].lower()):
            return redirect(self.get_success_url())
        try:
            answer: HttpResponseBase = super().form_valid(form)
        except MailNotSentError as error:
            form.add_error(None, str(error))
            answer = self.form_invalid(form)
        return answer


def too_many(request: HttpRequest) -> HttpResponse:
    """429: a throttle of settings.ACCOUNT_RATE_LIMITS has been reached."""
    return render(request, "accounts/too_many.html", status=429)
