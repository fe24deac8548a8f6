"""The hosts that send, and whether each is able to. One that isn't takes no work; others go on."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from environment import logs
from sending.host import position
from sending.host.trouble import HostTroubleError, look
from sending.models import SendHost

log = logs.get(__name__)

# Without a sign of life for longer, it is taken for dead.
DEAD_AFTER = timedelta(seconds=25)
# After trouble of any of its processes a host takes nothing for so long.
PAUSE = timedelta(seconds=15)


def name() -> str:
    """Of this host with its state directory."""
    return f"{position.name()}:{settings.VAR}"[:200]


def tend() -> None:
    """Every few seconds, by the worker's main process: it lives, and is able to work or not."""
    now = timezone.now()
    if (trouble := look()) is not None:
        tell(trouble)
    SendHost.objects.update_or_create(name=name(), defaults={"seen_at": now})
    # Trouble that no process met again is over.
    rows = SendHost.objects.filter(name=name(), trouble_at__lt=now - PAUSE).exclude(trouble="")
    if trouble is None and rows.update(trouble="", words="", trouble_at=None):
        log.info("host able to send again", host=name())


def able() -> bool:
    """Whether a process of this host may take work now."""
    since = timezone.now() - PAUSE
    if SendHost.objects.filter(name=name(), trouble_at__gt=since).exclude(trouble="").exists():
        return False
    if (trouble := look()) is not None:
        tell(trouble)
    return trouble is None


def tell(trouble: HostTroubleError) -> None:
    """A process of this host can't work."""
    now = timezone.now()
    row = SendHost(
        name=name(), seen_at=now, trouble=trouble.code, words=trouble.words[:300], trouble_at=now
    )
    known = SendHost.objects.filter(pk=row.pk, trouble=trouble.code).exists()
    fields = ["seen_at", "trouble", "words", "trouble_at"]
    SendHost.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["name"], update_fields=fields
    )
    if not known:
        log.error("host unable to send", host=name(), reason=trouble.code, words=trouble.words)


def unable(now: datetime) -> tuple[str, str] | None:
    """(code of pages.reasons, the system's words) where no host is able to send; None: one is, or
    none has ever been seen."""
    rows = list(SendHost.objects.order_by(F("trouble_at").desc(nulls_last=True)))
    living = [row for row in rows if row.seen_at > now - DEAD_AFTER]
    if not rows or any(not row.trouble for row in living):
        return None
    return (living[0].trouble, living[0].words) if living else ("no_host", "")


def troubled(now: datetime) -> Mapping[str, int]:
    """{code: number of living hosts that have this trouble}, "" for those that are able."""
    found: dict[str, int] = {}
    for code in SendHost.objects.filter(seen_at__gt=now - DEAD_AFTER).values_list(
        "trouble", flat=True
    ):
        found[code] = found.get(code, 0) + 1
    return found


def forget_old() -> None:
    SendHost.objects.filter(seen_at__lt=timezone.now() - timedelta(days=1)).delete()
