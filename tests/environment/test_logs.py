"""How a log line looks, and that nobody else writes one."""

import io
import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from environment import logs, readers

log = logs.get("tests.lines")
# A server's reply that would like to be lines of ours.
HOSTILE = (
    "550 5.1.1 <bob.smith@x.example> unknown\r\n"
    "2026-01-01T00:00:00.000Z ERROR relays.services.health: relay stopped relay=1\n"
    '\x1b[2J\x85\u2028\u202egninrut\x00" accepted=5 \\'
)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a handler writes; as text, until a test gives it the other formatter."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter())
    logger = logging.getLogger("tests.lines")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def as_json() -> None:
    logging.getLogger("tests.lines").handlers[0].setFormatter(logs.JsonFormatter())


def test_fields_stand_by_name(written: io.StringIO) -> None:
    at = datetime(2026, 11, 29, 8, tzinfo=UTC)
    log.info("mailing paused", mailing=7, reason=None, seconds=1.23456, more=True, until=at)
    moment, rest = written.getvalue().split(" ", 1)
    assert rest == (
        "INFO tests.lines: mailing paused mailing=7 seconds=1.235 more=true "
        "until=2026-11-29T08:00:00Z\n"
    )
    assert datetime.fromisoformat(moment).tzinfo == UTC


def test_what_others_wrote_stays_one_line(written: io.StringIO) -> None:
    log.warning("lane closed", lane="gmail", words=HOSTILE)
    line = written.getvalue()
    assert len(line.splitlines()) == 1
    assert line.rstrip("\n").isprintable()
    head, value = line.split(" words=", 1)
    assert head.endswith("lane closed lane=gmail")
    # The quotes of the value end where it does.
    assert json.loads(value) == HOSTILE.replace("<bob.smith@", "<…@")


def test_json_is_an_object_a_line(written: io.StringIO) -> None:
    as_json()
    log.warning("lane closed", lane="gmail", words=HOSTILE, mailing=7, name="中文 ☃")
    assert len(written.getvalue().splitlines()) == 1
    found = json.loads(written.getvalue())
    assert list(found) == [*logs.KEYS[:4], "lane", "words", "mailing", "name"]
    assert (found["level"], found["logger"]) == ("WARNING", "tests.lines")
    assert (found["message"], found["mailing"], found["name"]) == ("lane closed", 7, "中文 ☃")
    assert found["words"] == HOSTILE.replace("<bob.smith@", "<…@")


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_traceback_forges_no_line(written: io.StringIO, form: str) -> None:
    if form == "json":
        as_json()
    log.failed("import failed", ValueError(HOSTILE))
    first, *rest = written.getvalue().splitlines()
    assert all(line.startswith("    ") for line in rest)
    assert written.getvalue().replace("\n", "").isprintable()
    assert "bob" not in written.getvalue()
    if form == "json":
        assert "ValueError" in json.loads(first)["traceback"]
        assert not rest


def test_lines_of_others_are_one_line_too(written: io.StringIO) -> None:
    logging.getLogger("tests.lines").error("refused: %s", HOSTILE)
    assert len(written.getvalue().splitlines()) == 1
    assert "bob" not in written.getvalue()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("550 <bob@x.example> unknown", "550 <…@x.example> unknown"),
        ("bob.smith+1=x@x.example: no", "…@x.example: no"),
        ('"bob smith"@x.example', "…@x.example"),
        ("用户@例子.example 不存在", "…@例子.example 不存在"),
        ("to:<bob@x.example>,<eve@y.example>", "to:<…@x.example>,<…@y.example>"),
        ("5 @ 3", "5 @ 3"),
        ("u4%40att4.example", "…%40att4.example"),
        ("/w/u2%2540att2.example/", "…%2540att2.example/"),
        ("u3 @ att3.example", "… @ att3.example"),
        ("u3@ att3.example", "…@ att3.example"),
        ("to u3 @att3.example", "to … @att3.example"),
        ("u7＠att0.example", "…＠att0.example"),
        ("u7%EF%BC%A0att0%2Eexample", "…%EF%BC%A0att0%2Eexample"),
        ("/u7\\uff20att0.example", "…\\uff20att0.example"),
        ("u5&#64;att5.example", "…&#64;att5.example"),
        ("u6=40att6.example", "…=40att6.example"),
        ("full to 100%40 of 3", "full to 100%40 of 3"),
        ("limit=40.5 rate=4012.5", "limit=40.5 rate=4012.5"),
    ],
)
def test_no_address_is_written(words: str, shown: str) -> None:
    assert logs.masked(words) == shown


def test_a_long_reply_is_cut(written: io.StringIO) -> None:
    log.info("no connection", words="x" * 100_000)
    assert len(written.getvalue()) < 2 * logs.LONGEST_VALUE


def test_a_context_adds_fields_until_it_ends(written: io.StringIO) -> None:
    with logs.context(request="ab12"):
        logs.bind(user=3)
        with logs.context(mailing=7):
            log.info("within")
        log.info("around", user=4)
    log.info("after")
    logs.bind(user=5)
    log.info("later")
    ends = [line.split(": ", 1)[1] for line in written.getvalue().splitlines()]
    assert ends == [
        "within request=ab12 user=3 mailing=7",
        "around user=4 request=ab12",
        "after",
        "later",
    ]


def test_a_worker_is_named_with_its_process(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_process", {})
    logs.name_process(worker="send@host")
    log.info("batch recorded")
    assert " worker=send@host/" in written.getvalue()


def test_what_is_not_written_costs_nothing(written: io.StringIO) -> None:
    class Expensive:
        def __str__(self) -> str:
            raise AssertionError("was made into text")

    logging.getLogger("tests.lines").setLevel(logging.INFO)
    log.debug("batch claimed", value=Expensive())
    assert written.getvalue() == ""


def test_settings_choose_format_and_level(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(logs.formatter(), logs.TextFormatter)
    assert logs.configuration(["sending"])["root"]["level"] == "INFO"
    monkeypatch.setenv("YANSHU_LOG_FORMAT", "JSON")
    monkeypatch.setenv("YANSHU_LOG_LEVEL", "debug")
    assert isinstance(logs.formatter(), logs.JsonFormatter)
    found = logs.configuration(["sending"])
    # What libraries say at that level may have contents of mails.
    assert (found["root"]["level"], found["loggers"]["sending"]["level"]) == ("INFO", "DEBUG")


@pytest.mark.parametrize("name", ["YANSHU_LOG_FORMAT", "YANSHU_LOG_LEVEL"])
def test_another_value_stops_the_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "loud")
    with pytest.raises(readers.SettingError, match=f"{name} is 'loud'; use one of "):
        logs.configuration()
