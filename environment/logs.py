"""The log: one line for each thing that happens, with fields by name. No Django.

    log = logs.get(__name__)
    log.info("imported", workspace=1, rows=500)         # at once
    log.committed.info("mailing paused", mailing=7)     # when the transaction is committed

The words of a line are constants; variable parts are fields. docs/operators/logs.md lists all
lines, and tests/config/test_log_events.py compares the list with the code. Foreign text (a server's
reply, a file's name) is escaped, so that it can't begin a new line. Of e-mail addresses only the
domain is kept.

It is built on the standard library, because Django, Celery and granian log through that. A bridge
from a package such as structlog would be as long as this module.
"""

import json
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from typing import Any

from environment import readers

FORMATS = ("text", "json")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Keys that each JSON line has; no field has such a name.
KEYS = ("time", "level", "logger", "message", "traceback")
# Characters of a text in a field; of the words of a line (only foreign lines are so long); of a
# traceback.
LONGEST_VALUE, LONGEST_WORDS, LONGEST_TRACEBACK = 500, 2_000, 20_000

BARE = re.compile(r"[A-Za-z0-9_.:@/+*-]+")
# The @ of an address: plain, full-width, or encoded (also more than once) for a URL, HTML, a mail
# or a string. A plain @ before any text is enough. The others need a domain after them, because
# "5 @ 3" and "100%40" are no addresses.
_AT = (
    r"(?:[@＠﹫]|%(?:25){0,8}40|%(?:25){0,8}EF%(?:25){0,8}BC%(?:25){0,8}A0"
    r"|&#0{0,5}64;|&#x0{0,5}40;|&commat;|=40|\\x40|\\u(?:0040|ff20|fe6b))"
)
_LABEL, _DOT = r"[\w\\-]{1,63}", r"(?:[.．。｡]|%(?:25){0,8}2E)"
_DOMAIN = rf"{_LABEL}(?:{_DOT}{_LABEL}){{0,8}}{_DOT}[^\W\d_]"
AT = re.compile(rf"@(?=[^\s@])|[ \t]{{0,3}}{_AT}[ \t]{{0,3}}(?={_DOMAIN})", re.IGNORECASE)
# The local part of an address, read backwards from the @.
LONGEST_LOCAL = 258
LOCAL = re.compile(r"\"[^\"]{1,256}\"|[^\s<>@＠﹫]{1,256}")

# Fields of all lines of this process, such as the name of its worker.
_process: dict[str, object] = {}
# Fields of the current request or block.
_context: ContextVar[dict[str, object] | None] = ContextVar("log_context", default=None)


def _now(write: Callable[[], None]) -> None:
    write()


# Calls a function when the current transaction is committed. pages.apps replaces this default by
# one that knows transactions.
_when_committed: Callable[[Callable[[], None]], None] = _now


class Log:
    """Writes the lines of one module. A field with the value None is left out."""

    __slots__ = ("_deferred", "_logger")

    def __init__(self, logger: logging.Logger, *, deferred: bool = False) -> None:
        self._logger = logger
        self._deferred = deferred

    @property
    def committed(self) -> "Log":
        """A log for changes of the database: its lines appear when the current transaction is
        committed, and not at all if it is rolled back."""
        return Log(self._logger, deferred=True)

    def debug(self, words: str, /, **fields: object) -> None:
        self._write(logging.DEBUG, words, fields)

    def info(self, words: str, /, **fields: object) -> None:
        self._write(logging.INFO, words, fields)

    def warning(self, words: str, /, **fields: object) -> None:
        self._write(logging.WARNING, words, fields)

    def error(self, words: str, /, **fields: object) -> None:
        self._write(logging.ERROR, words, fields)

    def exception(self, words: str, /, **fields: object) -> None:
        """With the traceback of the exception that is being handled."""
        self._write(logging.ERROR, words, fields, cause=True)

    def failed(self, words: str, cause: BaseException, /, **fields: object) -> None:
        """With the traceback of `cause`."""
        self._write(logging.ERROR, words, fields, cause=cause)

    def _write(
        self,
        level: int,
        words: str,
        fields: Mapping[str, object],
        *,
        cause: BaseException | bool | None = None,
    ) -> None:
        if not self._logger.isEnabledFor(level):
            return
        extra = {"fields": fields}
        write = partial(self._logger.log, level, words, exc_info=cause, extra=extra)
        if self._deferred:
            _when_committed(write)
        else:
            write()


def get(name: str) -> Log:
    return Log(logging.getLogger(name))


def rewrite(record: logging.LogRecord, words: str, /, **fields: object) -> None:
    """Turns a foreign log line into one of ours, in a filter."""
    record.msg, record.args, record.fields = words, (), fields


# Common fields ------------------------------------------------------------------------------------


def use_transactions(when_committed: Callable[[Callable[[], None]], None]) -> None:
    global _when_committed  # noqa: PLW0603 - set once, when the program starts
    _when_committed = when_committed


def name_process(**fields: object) -> None:
    """Sets fields for all lines of this process and of the processes that it forks."""
    _process.update(fields)


@contextmanager
def context(**fields: object) -> Iterator[dict[str, object]]:
    """Sets fields for all lines of this thread until the block ends, in addition to those of an
    outer context. `bind` adds more."""
    known = (_context.get() or {}) | fields
    token = _context.set(known)
    try:
        yield known
    finally:
        _context.reset(token)


def bind(**fields: object) -> None:
    """Adds fields to the current context. Does nothing outside a context."""
    if (known := _context.get()) is not None:
        known.update(fields)


def _common(record: logging.LogRecord) -> dict[str, object]:
    found = dict(_process)
    if "worker" in found:
        found["worker"] = f"{found['worker']}/{record.process}"
    # Django logs a refused request after the context has ended; the request has kept the fields.
    request = getattr(record, "request", None)
    return found | (getattr(request, "log_fields", None) or _context.get() or {})


# Format of a line ---------------------------------------------------------------------------------


def formatter() -> logging.Formatter:
    """The formatter that YANSHU_LOG_FORMAT names. Raises SettingError."""
    form = readers.choice("YANSHU_LOG_FORMAT", "text", FORMATS)
    return JsonFormatter() if form == "json" else TextFormatter()


def configuration(ours: Iterable[str] = ()) -> dict[str, Any]:
    """The settings for logging.config.dictConfig: all lines go to standard error. `ours`: the
    packages to which the level DEBUG applies; other packages log too much at that level, and may
    log contents. Raises SettingError."""
    readers.choice("YANSHU_LOG_FORMAT", "text", FORMATS)
    level = readers.choice("YANSHU_LOG_LEVEL", "INFO", LEVELS)
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "environment.logs.formatter"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO" if level == "DEBUG" else level},
        "loggers": {name: {"level": level} for name in ours},
    }


class TextFormatter(logging.Formatter):
    """`2026-11-29T15:30:00.123Z INFO logger: words name=value name="a value"`; lines of a traceback
    follow, each after four spaces."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record)} {record.levelname} {record.name}: {_plain(_words(record))}"
        for name, value in _fields(record).items():
            line += f" {name}={_shown(value)}"
        if traceback := _traceback(self, record):
            line += "".join(f"\n    {_plain(one)}" for one in traceback.splitlines())
        return line


class JsonFormatter(logging.Formatter):
    """An object on one line: KEYS, and the fields beside them."""

    def format(self, record: logging.LogRecord) -> str:
        found: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _words(record),
        }
        for name, value in _fields(record).items():
            found.setdefault(name, value)
        if traceback := _traceback(self, record):
            found["traceback"] = traceback
        # Remaining unprintable characters are inside strings.
        return _plain(json.dumps(found, ensure_ascii=False))


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _words(record: logging.LogRecord) -> str:
    """The words of a line, with addresses masked from WARNING on. Our own words are constants;
    errors of other packages may quote our values. Below WARNING their text, such as a worker's
    name, has no address."""
    words = _cut(record.getMessage(), LONGEST_WORDS)
    return masked(words) if record.levelno >= logging.WARNING else words


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """{name: number, boolean or text}. The line's own fields win over common ones."""
    own: Mapping[str, object] = getattr(record, "fields", {})
    found = {name: _value(value) for name, value in own.items() if value is not None}
    for name, value in _common(record).items():
        if value is not None:
            found.setdefault(name, value if isinstance(value, int) else str(value))
    return found


def _value(value: object) -> object:
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, int):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return _cut(masked(str(value)), LONGEST_VALUE)


def _shown(value: object) -> str:
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return text if BARE.fullmatch(text) else _plain(json.dumps(text, ensure_ascii=False))


def masked(text: str) -> str:
    """The text without the local parts of addresses: "550 <…@example.com> unknown"."""
    shown, done = "", 0
    for at in AT.finditer(text):
        before = text[max(done, at.start() - LONGEST_LOCAL) : at.start()]
        if local := LOCAL.match(before[::-1]):
            shown += text[done : at.start() - local.end()] + "…" + at[0]
            done = at.end()
    return shown + text[done:]


def _plain(text: str) -> str:
    """The text on one line, safe for a terminal: line breaks, control characters and marks that
    change the direction of text become escapes."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + "…"


def _traceback(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[0] is None:
        return ""
    text = masked(formatter.formatException(record.exc_info))
    # The end of a traceback names the error.
    return text if len(text) <= LONGEST_TRACEBACK else "…" + text[-LONGEST_TRACEBACK:]
