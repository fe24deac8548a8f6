"""Whether this worker was told to stop: known in all of its processes.

Celery stops gently by waiting for its processes, which are not told. The flag lies in memory that
the worker shares with the processes it forks: made at import, before any of them.
"""

import mmap

_flag = mmap.mmap(-1, 1)


def ask() -> None:
    """What is on the wire is finished; nothing new is begun."""
    _flag[0] = 1


def asked() -> bool:
    return _flag[0] == 1


def forget() -> None:
    _flag[0] = 0
