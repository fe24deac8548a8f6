"""Tells the service how to ask for a worker: the task imports the service, so that the service
can't import the task. Registers this app's sections of the file about a person."""

from contacts import personfacts, personfile, tasks
from contacts.services import jobs

jobs.use_worker(tasks.ask_for_job)

for number, section in enumerate(personfacts.SECTIONS):
    personfile.sections.add(section, order=10 * number)
