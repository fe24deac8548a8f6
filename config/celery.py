"""The Celery application and the beat schedule.

Queues: `control` short ticks that must never wait behind work; `send` batches to relays; `work`
everything else (imports, bounce collection, test mails). Which task goes where: CELERY_TASK_ROUTES.
"""

import os

from celery import Celery

from quickstart.heartbeats import EVERY, HeartbeatStep

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yanshu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(HeartbeatStep)

# A tick that could not run in time is dropped (`expires`): the next one does its work.
app.conf.beat_schedule = {
    "dispatch": {
        "task": "sending.tasks.engine.dispatch",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "sweep-batches": {
        "task": "sending.tasks.engine.sweep",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "start-due-campaigns": {
        "task": "campaigns.tasks.start_due",
        "schedule": 1.0,
        "options": {"expires": 2},
    },
    "collect-bounces": {
        "task": "sending.tasks.bounces.collect_due",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "record-hits": {
        "task": "tracking.tasks.record_hits",
        "schedule": 2.0,
        "options": {"expires": 4},
    },
    "sweep-imports": {
        "task": "contacts.tasks.sweep_imports",
        "schedule": 10.0,
        "options": {"expires": 10},
    },
    "drop-import-files": {
        "task": "contacts.tasks.drop_import_files",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "erase-deleted-workspaces": {
        "task": "accounts.tasks.erase_deleted",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
    "beat-lives": {
        "task": "quickstart.tasks.beat_lives",
        "schedule": EVERY,
        "options": {"expires": 10},
    },
    "forget-dead": {
        "task": "quickstart.tasks.forget_dead",
        "schedule": 3600.0,
        "options": {"expires": 600},
    },
}
