"""Celery tasks: each takes ids, calls one service, and is safe to run twice."""

from sending.tasks.engine import begin_block, deliver, dispatch, forget_old, index_answers, sweep
from sending.tasks.refusals import tell

__all__ = ["begin_block", "deliver", "dispatch", "forget_old", "index_answers", "sweep", "tell"]
