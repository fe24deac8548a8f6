from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down

from relays.services import lanes, minutes
from sending.engine import shift, stopping
from sending.host import trouble
from sending.host.trouble import HostTroubleError
from sending.services import answers, blocks, erasing, fence, freezing, recovery, sendhosts
from sending.services import dispatch as dispatcher

# Seconds after which a nudge that no process took expires; the next tick gives another one.
NUDGE = 2


@shared_task(ignore_result=True)
def dispatch() -> None:
    """Each second: tends mailings, and nudges as many processes as relays with due work can use."""
    dispatcher.tend_mailings()
    if not fence.is_open():
        return
    for _ in range(dispatcher.shifts_wanted()):
        deliver.apply_async(expires=NUDGE)


@shared_task(ignore_result=True)
def deliver() -> None:
    """A process's shift: serves all relays that have due work."""
    if not fence.is_open() or not sendhosts.able():
        return
    try:
        trouble.require_files()
        recovery.recover_journals()
        shift.run_all()
    except (ConnectionError, TimeoutError):
        raise
    except OSError as error:
        # An error with this host's files: relays and the database raise other errors.
        sendhosts.tell(HostTroubleError.of(error))
    except HostTroubleError as error:
        sendhosts.tell(error)


@shared_task(ignore_result=True)
def freeze() -> None:
    """Each second: freezes the rest of large audiences."""
    if fence.is_open():
        freezing.go_on()


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every ten seconds: settles batches of dead workers or makes them due again."""
    if fence.current() is None:
        recovery.sweep()


@shared_task(ignore_result=True)
def forget_old() -> None:
    """Each hour: deletes figures of relays, lanes and hosts that no page shows any more."""
    minutes.drop_old()
    lanes.forget_stale()
    sendhosts.forget_old()
    erasing.forget_waiting()


@shared_task(ignore_result=True)
def begin_block() -> None:
    """Each hour: begins a new block when a month has begun."""
    blocks.turn()


@worker_ready.connect
def _recover(**_: object) -> None:
    recovery.recover_journals()


@worker_shutting_down.connect
def _stop(**_: object) -> None:
    stopping.ask()


@shared_task(ignore_result=True)
def index_answers() -> None:
    """Each half a minute: indexes the recipients of mailings that are over, for segments."""
    answers.tick()
