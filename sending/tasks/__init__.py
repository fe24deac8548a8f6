"""Celery's way in: ids, one service call, safe to run twice."""

from sending.tasks.bounces import collect_due, collect_mailbox
from sending.tasks.engine import dispatch, run_relay, sweep

__all__ = ["collect_due", "collect_mailbox", "dispatch", "run_relay", "sweep"]
