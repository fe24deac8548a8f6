"""Rate limits of log-ins and password resets.

They stop an attacker from guessing a password, and from locking the owner of an account out. One
count per account would let a stranger lock the account with a few wrong passwords. So we count:

- wrong passwords from one network address for one account: 5 in five minutes and 20 a day. A
  stranger who reaches this limit locks out only his own network address.
- wrong passwords for one account from all addresses: 100 an hour. This limits an attack from many
  network addresses to 2,400 tries a day; at least five addresses are needed to reach it. It does
  not apply to a *known* browser or network address: the owner can still log in during the attack.
- a known browser has logged in to this account before; a signed cookie proves it. It has its own
  count instead of that of its network address, so a stranger in the same office has no effect.
- from a known network address somebody has logged in to this account within 30 days.

During an attack from many addresses, the owner with an unknown browser and address can still set a
new password by mail. An attacker can't block that: a link works for an hour, and at most 6 an hour
are sent. When the limit is reached, a link of the last hour is in the owner's mailbox. The page
gives its usual answer.

Counts use the address as it is typed, with or without an account. The right password gives its
count back. So neither a message nor a response time tells which accounts exist.
"""

import hashlib
import secrets

from allauth.core.internal import ratelimit
from allauth.core.internal.ratelimit import RateLimitUsage
from django.conf import settings
from django.core import signing
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

APP = "accounts"
RATES = {
    "login_ip": "10/m/ip",
    # For one account: from one network address, from all addresses, and from one known browser.
    "login_here": "5/5m/key,20/d/key",
    "login_anywhere": "100/h/key",
    "login_browser": "10/5m/key",
    "reset_here": "3/10m/key",
    "reset_mails": "6/h/key",
}
COOKIE = "known"
SALT = "accounts.throttles"
YEAR = 365 * 24 * 3600
KNOWN_FOR = 30 * 24 * 3600


def take_login(request: HttpRequest, email: str) -> RateLimitUsage | None:
    """Counts a try; None if there were too many wrong ones. After the right password, `rollback` of
    the result gives the count back."""
    if browser := known_browser(request, email):
        return _take(request, ("login_browser", browser))
    here = f"{email} {ratelimit.get_ip(request)}"
    wanted = [("login_ip", ""), ("login_here", here)]
    if not cache.get(_place(request, email)):
        wanted.append(("login_anywhere", email))
    return _take(request, *wanted)


def take_reset(request: HttpRequest, email: str) -> bool:
    """Whether a reset mail may be sent. If not, the person has got one within the last hour."""
    here = f"{email} {ratelimit.get_ip(request)}"
    return _take(request, ("reset_here", here), ("reset_mails", email)) is not None


def _take(request: HttpRequest, *wanted: tuple[str, str]) -> RateLimitUsage | None:
    taken = RateLimitUsage(usage=[])
    for action, key in wanted:
        usage = ratelimit.consume(request, app=APP, action=action, config=RATES, key=key)
        if usage is None:
            return None
        taken.usage += usage.usage
    return taken


# Known browsers and network addresses ------------------------------------------------------------


def remember(request: HttpRequest, response: HttpResponseBase, email: str) -> None:
    """Makes the browser and the network address known, after the person has logged in."""
    cache.set(_place(request, email), 1, KNOWN_FOR)
    known = known_browser(request, email) or secrets.token_hex(8)
    response.set_cookie(
        COOKIE,
        signing.dumps([_digest(email), known], salt=SALT),
        max_age=YEAR,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def known_browser(request: HttpRequest, email: str) -> str:
    """The id of the browser, if it has logged in to this account before; else ""."""
    try:
        account, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=YEAR)
    except (signing.BadSignature, ValueError):
        return ""
    return str(browser) if account == _digest(email) else ""


def _place(request: HttpRequest, email: str) -> str:
    return f"known:{_digest(email)}:{_digest(ratelimit.get_ip(request))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()[:32]
