"""Celery's way in: ids, one service call, safe to run twice."""

from sending.tasks.engine import dispatch, run_relay, sweep

__all__ = ["dispatch", "run_relay", "sweep"]
