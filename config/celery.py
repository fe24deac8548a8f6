"""The Celery application and the beat schedule.

Queues: `control` for short ticks, which must never wait behind work; `send` for batches to relays;
`mailboxes` for collecting bounces and asking DNS; `work` for everything else, such as imports and
test mails. CELERY_TASK_ROUTES assigns tasks to queues.
"""

import logging.config
import os
from typing import Any

from celery import Celery, signals
from django.conf import settings

from environment import logs, readers
from operations import outages, schema
from operations.heartbeats import HeartbeatStep
from operations.loglines import StopStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yanshu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(HeartbeatStep)
app.steps["worker"].add(StopStep)

# (task, seconds between two ticks, seconds after which a tick that could not run is dropped). The
# next tick does the work of a dropped one.
TICKS = (
    ("sending.tasks.engine.dispatch", 1.0, 2),
    ("sending.tasks.engine.freeze", 1.0, 2),
    ("sending.tasks.engine.sweep", 10.0, 10),
    ("campaigns.tasks.start_due", 1.0, 2),
    ("bounces.tasks.collect_due", 10.0, 10),
    ("bounces.tasks.tell_unproven", 600.0, 300),
    ("sending.tasks.refusals.tell", 15.0, 15),
    ("sending.tasks.engine.forget_old", 3600.0, 600),
    ("sending.tasks.engine.begin_block", 3600.0, 600),
    ("sending.tasks.engine.index_answers", 30.0, 30),
    ("tracking.tasks.record_hits", 2.0, 4),
    ("signups.tasks.tend", 3600.0, 600),
    ("contacts.tasks.sweep_imports", 10.0, 10),
    ("contacts.tasks.start_scheduled", 10.0, 10),
    ("contacts.tasks.sweep_jobs", 10.0, 10),
    ("contacts.tasks.index_values", 10.0, 10),
    ("contacts.tasks.count_segments", 300.0, 300),
    ("contacts.tasks.drop_import_files", 3600.0, 600),
    ("accounts.tasks.erase_deleted", 3600.0, 600),
    # Soon after the start, so that `make run` needn't wait for it.
    ("operations.tasks.beat_lives", 1.0, 10),
    ("operations.tasks.watch_queues", 5.0, 5),
    ("operations.tasks.forget_dead", 3600.0, 600),
)
app.conf.beat_schedule = {
    task: {"task": task, "schedule": every, "options": {"expires": expires}}
    for task, every, expires in TICKS
}


@signals.setup_logging.connect
def set_up_logging(**_: Any) -> None:
    """As the web server and manage.py: Celery sets up nothing of its own then."""
    logging.config.dictConfig(settings.LOGGING)
    # Warnings of Python, such as Celery's about a worker of root.
    logging.captureWarnings(True)


@signals.celeryd_init.connect
def start_worker(sender: str = "", **_: Any) -> None:
    """`sender`: the name of the worker, such as send@host."""
    logs.name_process(worker=sender)
    # Celery does this only after it has checked the user.
    set_up_logging()
    schema.refuse_unmigrated(readers.text("DATABASE_URL"))
    outages.watch_worker()


@signals.beat_init.connect
def start_beat(**_: Any) -> None:
    schema.refuse_unmigrated(readers.text("DATABASE_URL"))
