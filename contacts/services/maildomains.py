"""Which domains have a mail server: asked in the background, and kept for a while.

Nothing waits for an answer. A domain without a clear one is unknown, and pages say nothing of it.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.core.cache import cache
from django.db.models import Q
from django.utils import timezone

from contacts import mailservers
from contacts.models import MailDomain
from environment import logs

log = logs.get(__name__)

State = MailDomain.Answer
# How long an answer is used. A domain may get its server any day, and a passing trouble ends.
KEEP = {
    State.MAIL: timedelta(days=30),
    State.NONE: timedelta(days=7),
    State.UNKNOWN: timedelta(hours=1),
}
# The most domains of a file that are looked up; so many at once, each second at most, and in all so
# many seconds.
MOST, TOGETHER, SECONDS = 200, 10, 60.0
# If one of these has no mail server, the answers are not true: the network has no way out, or its
# resolver answers everything itself.
SURE = ("gmail.com", "qq.com")
BUSY = "contacts.maildomains"
LookUp = Callable[[str, list[str]], str]


def _fresh() -> Q:
    now = timezone.now()
    fresh = Q()
    for answer, time_kept in KEEP.items():
        fresh |= Q(answer=answer, looked_at__gt=now - time_kept)
    return fresh


def known(domains: Collection[str]) -> dict[str, str]:
    """{domain: answer} of those whose answer is fresh enough."""
    rows = MailDomain.objects.filter(_fresh(), domain__in=domains)
    return dict(rows.values_list("domain", "answer"))


def look_up(domains: Sequence[str], *, ask: LookUp = mailservers.look_up) -> bool:
    """Look up those of the first domains that are not known, a few each second. False if somebody
    else is looking up others: then try again later. Safe to run twice."""
    already = known(domains[:MOST])
    missing = [domain for domain in domains[:MOST] if domain not in already]
    if not missing:
        return True
    if not cache.add(BUSY, 1, timeout=2 * SECONDS):
        return False
    try:
        _look_up(missing, ask)
    finally:
        cache.delete(BUSY)
    return True


def _look_up(domains: Sequence[str], ask: LookUp) -> None:
    servers = mailservers.resolvers()
    until = time.monotonic() + SECONDS
    if not servers or any(ask(domain, servers) != State.MAIL for domain in SURE):
        log.info("DNS gives no answers about mail servers", resolvers=len(servers))
        _keep([(domain, State.UNKNOWN.value) for domain in domains])
        return
    with ThreadPoolExecutor(TOGETHER, "mail-domains") as threads:
        for some in _in_groups(domains):
            began = time.monotonic()
            _keep([*zip(some, threads.map(lambda one: ask(one, servers), some), strict=True)])
            if began > until:
                return
            wait_for_pace(1 - (time.monotonic() - began))


def wait_for_pace(seconds: float) -> None:
    """At most TOGETHER domains each second, so that nobody's resolver is flooded."""
    time.sleep(max(0.0, seconds))


def _in_groups(domains: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(domains), TOGETHER):
        yield domains[begin : begin + TOGETHER]


def _keep(found: Sequence[tuple[str, str]]) -> None:
    now = timezone.now()
    MailDomain.objects.bulk_create(
        [MailDomain(domain=domain, answer=one, looked_at=now) for domain, one in sorted(found)],
        update_conflicts=True,
        unique_fields=["domain"],
        update_fields=["answer", "looked_at"],
    )


def forget_old() -> None:
    """Delete answers that are not used any more."""
    longest = max(KEEP.values())
    MailDomain.objects.filter(looked_at__lt=timezone.now() - longest).delete()
