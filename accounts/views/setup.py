"""The page behind the one-time link of a new installation."""

from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from accounts import landing, throttles
from accounts.exceptions import AlreadySetUpError
from accounts.forms import SetUpForm
from accounts.models import Membership
from accounts.services import setup as setup_service


@sensitive_post_parameters("password")
def setup(request: HttpRequest, token: str) -> HttpResponseBase:
    if setup_service.is_set_up():
        return _used(request)
    if not setup_service.is_valid(token):
        return render(request, "accounts/setup_expired.html", status=404)
    initial = {"workspace_name": _("My company"), "timezone": "UTC"}
    form = SetUpForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            user, workspace = setup_service.set_up(**form.cleaned_data)
        except AlreadySetUpError:
            return _used(request)
        login(request, user)
        membership = Membership.objects.select_related("workspace").get(workspace=workspace)
        response = redirect(landing.home_of(request, membership))
        throttles.remember(request, response, user.email)
        return response
    return render(request, "accounts/setup.html", {"form": form})


def _used(request: HttpRequest) -> HttpResponse:
    return render(request, "accounts/setup_used.html", status=410)
