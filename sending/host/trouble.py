"""Errors of this host itself: a full disk, too many open files. They say nothing about any relay.

For files of our own every error is the host's. For connections those are that have nothing to do
with the other side.
"""

import errno
import os
import secrets
from contextlib import ExitStack

from sending.exceptions import SendingError
from sending.host import journal

CODES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "host_disk_full"),
    errno.EROFS: "host_read_only",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "host_open_files"),
    **dict.fromkeys((errno.ENOMEM, errno.ENOBUFS), "host_memory"),
}
OTHER = "host_files"
# Bytes that a look writes: a disk that is nearly full has room for a few.
PROBE = 16_384
# Open files that a shift needs before its first connection, and some to spare.
FILES = 32


class HostTroubleError(SendingError):
    """`code`: one of pages.reasons; `words`: the system's."""

    def __init__(self, code: str, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words

    @classmethod
    def of(cls, error: OSError) -> "HostTroubleError":
        """Of an error with files of ours."""
        words = error.strerror or str(error)
        where = f"{error.filename}: " if error.filename else ""
        return cls(CODES.get(error.errno or 0, OTHER), f"{where}{words}")


def of_connection(error: BaseException) -> HostTroubleError | None:
    """None: the other side, or the way to it, is to blame."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in CODES:
            return HostTroubleError.of(cause)
        cause = cause.__cause__ or cause.__context__
    # A name that could not be looked up for want of a file says so in no other way.
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as trouble:
        return HostTroubleError.of(trouble)
    return None


def require_files() -> None:
    """Raises OSError where this process may not open the files that a shift begins with: libuv ends
    a process whose loop gets none."""
    with ExitStack() as stack:
        for _ in range(FILES):
            stack.enter_context(open(os.devnull, "rb"))  # noqa: PTH123 - no path of ours


def look() -> HostTroubleError | None:
    """Whether this host can keep journals now."""
    try:
        path = journal.directory() / f"{secrets.token_hex(8)}.probe"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            written = os.write(file, b"\0" * PROBE)
        finally:
            os.close(file)
            path.unlink(missing_ok=True)
    except OSError as error:
        return HostTroubleError.of(error)
    if written < PROBE:
        return HostTroubleError("host_disk_full", os.strerror(errno.ENOSPC))
    return None
