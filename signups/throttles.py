"""Rate limits of public forms (allauth's counts, as accounts.throttles). IPv6 addresses count by
their /64, which is what one customer of a provider has."""

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

APP = "signups"
RATES = {
    # Of all forms: an office behind one address may sign up at a fair.
    "signup_ip": "60/h/ip,300/d/ip",
    # Of one address and form. The mails have stricter limits (signups.services.asking).
    "signup_address": "5/h/key",
    "confirm_ip": "120/h/ip",
}


def take_network(request: HttpRequest) -> bool:
    """False: too many sign-ups came from this network."""
    return _take(request, "signup_ip")


def take_address(request: HttpRequest, form_key: str, address: str) -> bool:
    """False: this address was sent too often by the form. The answer must be the usual one."""
    return _take(request, "signup_address", f"{form_key} {address}")


def take_confirmation(request: HttpRequest) -> bool:
    return _take(request, "confirm_ip")


def _take(request: HttpRequest, action: str, key: str | None = None) -> bool:
    found = ratelimit.consume(request, app=APP, action=action, config=RATES, key=key)
    return found is not None


def client_ip(request: HttpRequest) -> str | None:
    """The whole address, for the trail of the consent; None if it isn't known."""
    try:
        return str(get_adapter().get_client_ip(request))
    except PermissionDenied:
        return None
