"""Celery's way in: ids, one service call, safe to run twice."""

from sending.tasks.engine import begin_block, deliver, dispatch, forget_old, sweep
from sending.tasks.refusals import tell

__all__ = ["begin_block", "deliver", "dispatch", "forget_old", "sweep", "tell"]
