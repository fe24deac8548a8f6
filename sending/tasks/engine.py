from celery import shared_task
from celery.signals import worker_ready

from sending import dispatch as dispatcher
from sending import recovery, runner
from sending.models import Relay


@shared_task(ignore_result=True)
def dispatch() -> None:
    """Each second: nudges runners for relays that have due work."""
    dispatcher.tend_mailings()
    for relay_id, runners in dispatcher.relays_to_run().items():
        for _ in range(runners):
            # A nudge that finds no process within two seconds is given again anyway.
            run_relay.apply_async((relay_id,), expires=2)


@shared_task(ignore_result=True)
def run_relay(relay_id: int) -> None:
    recovery.recover_journals()
    relay = Relay.objects.filter(pk=relay_id).first()
    if relay is not None:
        runner.run(relay)


@shared_task(ignore_result=True)
def sweep() -> None:
    """Every ten seconds: what dead workers held goes on or is settled."""
    recovery.sweep()


@worker_ready.connect
def _recover(**_: object) -> None:
    recovery.recover_journals()
