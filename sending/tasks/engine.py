from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from relays.services import lanes, minutes
from sending.engine import shift, stopping
from sending.host import trouble
from sending.host.trouble import HostTroubleError
from sending.services import blocks, fence, freezing, recovery, sendhosts
from sending.services import dispatch as dispatcher

# A nudge that finds no process in this many seconds is given again anyway.
NUDGE = 2


@shared_task(ignore_result=True)
def dispatch() -> None:
    """Each second: nudges as many processes as relays with due work could use."""
    dispatcher.tend_mailings()
    if not fence.is_open():
        return
    for _ in range(dispatcher.shifts_wanted()):
        deliver.apply_async(expires=NUDGE)


@shared_task(ignore_result=True)
def deliver() -> None:
    """A process's shift: all relays that have due work."""
    if not fence.is_open() or not sendhosts.able():
        return
    try:
        trouble.require_files()
        recovery.recover_journals()
        shift.run_all()
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        # Files of ours: relays and the database have errors of their own.
        sendhosts.tell(HostTroubleError.of(error))
    except HostTroubleError as error:
        sendhosts.tell(error)


@shared_task(ignore_result=True)
def freeze() -> None:
    """Each second: what is left of large audiences."""
    if fence.is_open():
        freezing.go_on()


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every ten seconds: what dead workers had claimed goes on or is settled."""
    if fence.current() is None:
        recovery.sweep()


@shared_task(ignore_result=True)
def forget_old() -> None:
    """Each hour: what no page shows any more of relays and lanes."""
    minutes.drop_old()
    lanes.forget_stale()
    sendhosts.forget_old()


@shared_task(ignore_result=True)
def begin_block() -> None:
    """Each hour: mailings of a new month come into a block of their own."""
    blocks.turn()


@worker_ready.connect
def _recover(**_: object) -> None:
    recovery.recover_journals()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.ask()
