"""How often a log-in and a reset may be tried, so that nobody guesses a password and nobody locks
the owner of an account out.

A count for an account alone would let a stranger lock it with a few wrong passwords. So:

- wrong passwords of one network address for one account: 5 in five minutes and 20 a day. A
  stranger who uses them up has locked out his own network address.
- wrong passwords for one account from everywhere: 100 an hour. It bounds an attack from many
  network addresses to 2,400 tries a day, and takes five addresses at least to be used up. It does
  not concern a *known* browser or network address: the owner still gets in while it lasts.
- a known browser has logged in to this account before, which a signed cookie says. It has a count
  of its own, and none of its network address: a stranger in the same office changes nothing.
- a known network address is one that the account was logged in from within 30 days.

From an unknown browser and address, during an attack from many addresses, the owner comes in by a
new password by mail. Its count is made so that it can't be taken away either: a link works for an
hour, and at most 6 an hour are sent. So whoever finds them used up has a link of this
hour in the mailbox; the page says the same as always.

Counts are kept by the address as it is typed, whether it has an account or not, and what the right
password took is given back. So neither a text nor a time tells which accounts there are.
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
    # For an account from one network address, from everywhere, and from one known browser.
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
    """Counts a try; None if there were too many wrong ones. The right password gives it back by
    `rollback`."""
    if browser := known_browser(request, email):
        return _take(request, ("login_browser", browser))
    here = f"{email} {ratelimit.get_ip(request)}"
    wanted = [("login_ip", ""), ("login_here", here)]
    if not cache.get(_place(request, email)):
        wanted.append(("login_anywhere", email))
    return _take(request, *wanted)


def take_reset(request: HttpRequest, email: str) -> bool:
    """Whether a mail may be sent; else one of this hour lies in the mailbox already."""
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
    """The person has logged in: the browser and the network address are known from now on."""
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
    """What stands for the browser, if it has logged in to this account before; else ""."""
    try:
        account, browser = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=YEAR)
    except (signing.BadSignature, ValueError):
        return ""
    return str(browser) if account == _digest(email) else ""


def _place(request: HttpRequest, email: str) -> str:
    return f"known:{_digest(email)}:{_digest(ratelimit.get_ip(request))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.lower().encode()).hexdigest()[:32]
