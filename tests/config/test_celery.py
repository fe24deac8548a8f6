"""Every task that beat sends or the settings name is there, and goes to a queue that is served."""

from django.conf import settings

from config.celery import app
from config.programs import WORKERS


def registered() -> set[str]:
    app.loader.import_default_modules()
    app.finalize()
    return {name for name in app.tasks if not name.startswith("celery.")}


def test_beat_sends_tasks_that_are_there() -> None:
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} <= registered()


def test_routes_name_tasks_that_are_there() -> None:
    assert settings.CELERY_TASK_ROUTES.keys() <= registered()


def test_every_task_goes_to_a_queue_that_a_worker_serves() -> None:
    queues = {name: app.amqp.router.route({}, name)["queue"].name for name in registered()}
    assert set(queues.values()) == set(WORKERS)
    assert queues["sending.tasks.engine.deliver"] == "send"
    assert queues["sending.tasks.engine.dispatch"] == "control"
    assert queues["contacts.tasks.run_import"] == "work"
