"""The Celery application and the beat schedule.

Queues: `control` short ticks that must never wait behind work; `send` batches to relays; `work`
everything else (imports, bounce collection, test mails).
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("yanshu")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# A tick that could not run in time is dropped (`expires`): the next one does its work.
app.conf.beat_schedule = {}
