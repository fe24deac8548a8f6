"""Tells the service how to ask for a worker: the task imports the service, so that the service
can't import the task."""

from contacts import tasks
from contacts.services import jobs

jobs.use_worker(tasks.ask_for_job)
