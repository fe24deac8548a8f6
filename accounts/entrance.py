"""Our adapter for allauth: its messages, its rate limits, and the target of its links."""

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import notices, throttles
from accounts.models import User

MINUTES = settings.PASSWORD_RESET_TIMEOUT // 60
# Behind a unix socket no address is known.
NO_ADDRESS = "0.0.0.0"  # noqa: S104 - nothing listens here


def client_ip(request: HttpRequest) -> str | None:
    """The network address from which a request comes; None if it is unknown."""
    address = str(get_adapter().get_client_ip(request))
    return None if address == NO_ADDRESS else address


class Adapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    error_messages: ClassVar[dict[str, str | Promise]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": gettext_lazy("The address or the password is wrong."),
        "too_many_login_attempts": gettext_lazy(
            "Too many wrong passwords. Try again later, or choose a new password by mail."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Accounts are made by the set-up link and by invitations only."""
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        # allauth reads this attribute, and rolls the count back when the password is right.
        email = str(credentials.get("email", "")).lower()
        self._login_failed_rl_usage = throttles.take_login(request, email)
        if self._login_failed_rl_usage is None:
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: User, **options: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **options)
        throttles.remember(request, response, user.email)
        return response

    def get_client_ip(self, request: HttpRequest) -> str:
        # Clients without an address share one count.
        known = request.META.get("REMOTE_ADDR") or request.headers.get("X-Forwarded-For")
        return str(super().get_client_ip(request)) if known else NO_ADDRESS

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:  # noqa: ARG002
        messages.error(request, _("This account is disabled."))
        return redirect("account_login")

    def get_reset_password_from_key_url(self, key: str) -> str:
        # From the setting, because the requester controls the Host header.
        uid, _dash, token = key.partition("-")
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token})
        return settings.PUBLIC_URL + path

    def send_password_reset_mail(
        self,
        user: User,
        email: str,  # noqa: ARG002
        context: dict[str, Any],
    ) -> None:
        notices.send(
            "reset",
            to=user.email,
            language=user.language,
            name=user.name,
            url=context["password_reset_url"],
            minutes=MINUTES,
        )
