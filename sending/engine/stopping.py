"""A flag that all processes of a worker can read: the worker was told to stop.

Celery stops gently by waiting for its processes, but does not tell them. The flag is in memory that
is shared with forked processes: it is made at import, before any of them.
"""

import mmap

_flag = mmap.mmap(-1, 1)


def ask() -> None:
    """Mails on the wire are finished; no more are begun."""
    _flag[0] = 1


def asked() -> bool:
    return _flag[0] == 1


def forget() -> None:
    _flag[0] = 0
