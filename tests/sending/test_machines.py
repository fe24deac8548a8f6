"""Who opened or clicked: user agents as in the wild, hostile ones, and behaviour."""

import datetime as dt
import ipaddress
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from django.utils import translation

from sending import machines
from sending.machines import CLICKED, OPENED, Actor

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
AT_DELIVERY = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
CUBOT = "Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/91.0 Mobile Safari"
TOOLS = ("GuzzleHttp/7", "PostmanRuntime/7.39.0", "Mozilla/5.0 zgrab/0.x", "got (https://x)")
SCANNERS = (
    f"{CHROME} BingPreview/1.0b",
    "Mozilla/5.0 (compatible; Google-Safety; +http://www.google.com/bot.html)",
    "Sophos Email Scanner",
    "Symantec.cloud link following",
    "Trend Micro WTP",
    "TMES",
    "FortiMail/7.4",
    "NetEase Mail Scanner",
    "TencentSecurity/1.0",
    "Mimecast URL Protect",
)
MAILMASTER = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 MailMaster/4.17 NetEase"
NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)


def asked(kind: str, agent: str, *, method: str = "GET", address: str | None = None) -> Actor:
    return machines.of_request(kind, method=method, user_agent=agent, address=address)


@pytest.mark.parametrize(
    ("agent", "opened", "clicked"),
    [
        ("Mozilla/5.0", Actor.PRIVACY_PROXY, Actor.UNKNOWN),
        (" mozilla/5.0 ", Actor.PRIVACY_PROXY, Actor.UNKNOWN),
        ("Mozilla/5.0 ()", Actor.UNKNOWN, Actor.UNKNOWN),
        (GMAIL, Actor.IMAGE_PROXY, Actor.BROWSER),
        (
            "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
            Actor.IMAGE_PROXY,
            Actor.UNKNOWN,
        ),
        (AT_DELIVERY, Actor.SCANNER, Actor.SCANNER),
        ("Barracuda Sentinel (EE)", Actor.SCANNER, Actor.SCANNER),
        (CHROME, Actor.BROWSER, Actor.BROWSER),
        (CUBOT, Actor.BROWSER, Actor.BROWSER),
        (f"{CHROME} Microsoft Office Existence Discovery", Actor.PROGRAM, Actor.PROGRAM),
        ("python-requests/2.32.3", Actor.PROGRAM, Actor.PROGRAM),
        ("Slackbot-LinkExpanding 1.0", Actor.PROGRAM, Actor.PROGRAM),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", Actor.PROGRAM, Actor.PROGRAM),
        # Phones load pictures with it; they open links in a browser.
        ("okhttp/4.10.0", Actor.UNKNOWN, Actor.PROGRAM),
        *((agent, Actor.PROGRAM, Actor.PROGRAM) for agent in TOOLS),
        *((agent, Actor.SCANNER, Actor.SCANNER) for agent in SCANNERS),
        (MAILMASTER, Actor.BROWSER, Actor.BROWSER),
        # Browsers name themselves; proxies of readers need not.
        *((agent, Actor.UNKNOWN, Actor.PROGRAM) for agent in ("", "-", " - ")),
        ("\x00\x1b[31m\r\nX: y", Actor.UNKNOWN, Actor.UNKNOWN),
        ("\ud800雁书", Actor.UNKNOWN, Actor.UNKNOWN),
        ("(" * 10_000, Actor.UNKNOWN, Actor.UNKNOWN),
        ("Mozilla/5.0 (" + "a" * 10_000 + "Windows", Actor.UNKNOWN, Actor.UNKNOWN),
    ],
)
def test_user_agents(agent: str, opened: Actor, clicked: Actor) -> None:
    assert (asked(OPENED, agent), asked(CLICKED, agent)) == (opened, clicked)


def test_a_request_for_headers_is_no_persons() -> None:
    assert asked(CLICKED, CHROME, method="HEAD") == Actor.HEADERS_ONLY
    assert asked(OPENED, GMAIL, method="HEAD") == Actor.HEADERS_ONLY


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("209.222.80.1", Actor.NETWORK),
        ("::ffff:64.235.150.7", Actor.NETWORK),
        ("203.0.113.9", Actor.BROWSER),
        ("2001:db8::1", Actor.BROWSER),
        (None, Actor.BROWSER),
        ("", Actor.BROWSER),
        ("209.222.80.1, 10.0.0.1", Actor.BROWSER),
        ("9" * 10_000, Actor.BROWSER),
    ],
)
def test_networks_of_scanners(address: str | None, expected: Actor) -> None:
    assert asked(CLICKED, CHROME, address=address) == expected
    assert asked(OPENED, CHROME, address=address) == Actor.BROWSER


class Given(NamedTuple):
    kind: str
    at: dt.datetime
    link: int | None
    actor: int


def acts(*given: tuple[str, float, int | None, Actor]) -> list[Given]:
    return [
        Given(kind, NOW + dt.timedelta(seconds=seconds), link, actor)
        for kind, seconds, link, actor in given
    ]


LONG_AGO = NOW - dt.timedelta(hours=1)
B, U = Actor.BROWSER, Actor.UNKNOWN


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # Three different links within two seconds, in any order; the open of the scanner, too.
        (
            [(CLICKED, 1.9, 3, B), (OPENED, 0, None, B), (CLICKED, 0.1, 1, U), (CLICKED, 1, 2, B)],
            [Actor.BURST] * 4,
        ),
        # Too slow, too few, and one link again and again.
        ([(CLICKED, 0, 1, B), (CLICKED, 1, 2, B), (CLICKED, 2.1, 3, B)], [B] * 3),
        ([(CLICKED, 0, 1, B), (CLICKED, 1, 2, B)], [B] * 2),
        ([(CLICKED, n / 10, 1, B) for n in range(9)], [B] * 9),
        # A person who clicks later, and one whose provider's proxy loaded meanwhile.
        (
            [*((CLICKED, n / 10, n, B) for n in range(4)), (CLICKED, 60, 1, B)],
            [Actor.BURST] * 4 + [B],
        ),
        (
            [*((CLICKED, n / 10, n, B) for n in range(3)), (OPENED, 0.1, None, Actor.IMAGE_PROXY)],
            [Actor.BURST] * 3 + [Actor.IMAGE_PROXY],
        ),
        # What the request said stays, and counts for the burst.
        (
            [
                (CLICKED, 0, 1, Actor.SCANNER),
                (CLICKED, 0.1, 2, Actor.HEADERS_ONLY),
                (CLICKED, 1, 3, B),
            ],
            [Actor.SCANNER, Actor.HEADERS_ONLY, Actor.BURST],
        ),
        ([], []),
    ],
)
def test_bursts(given: list[tuple[str, float, int | None, Actor]], expected: list[Actor]) -> None:
    assert machines.judge(acts(*given), LONG_AGO) == expected
    assert machines.judge(acts(*given), None) == expected


@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [
        (CLICKED, 4.9, Actor.TOO_SOON),
        (CLICKED, -3, Actor.TOO_SOON),
        (CLICKED, -600, U),
        (CLICKED, 5, U),
        (CLICKED, 59, U),
        (CLICKED, 60, B),
        # A mail that is on the screen when it comes is opened at once.
        (OPENED, 1, U),
        (OPENED, 60, B),
    ],
)
def test_seconds_after_the_mail_was_accepted(kind: str, seconds: float, expected: Actor) -> None:
    assert machines.judge(acts((kind, seconds, 1, B)), NOW) == [expected]


def test_a_flood_of_clicks_is_judged_in_one_pass() -> None:
    many = acts(*((CLICKED, n / 1000, n % 50, B) for n in range(50_000)))
    assert set(machines.judge(many, LONG_AGO)) == {Actor.BURST}


def test_each_actor_has_words_in_both_languages() -> None:
    assert set(machines.WORDS) == set(Actor)
    for language in ("en", "zh-hans"):
        with translation.override(language):
            told = [str(machines.WORDS[one]) for one in Actor]
        assert len(set(told)) == len(told)
        by_machine = "by a machine:" if language == "en" else "机器"
        assert all(
            (by_machine in text) is (one > 0)
            for one, text in zip(Actor, told, strict=True)
            if one != Actor.UNKNOWN
        )


def test_the_data_have_sources_and_dates() -> None:
    path = Path(machines.__file__).with_suffix(".toml")
    file = tomllib.loads(path.read_text("utf-8"))
    entries = [entry for some in file.values() for entry in some]
    assert len(entries) > 10
    for entry in entries:
        assert entry["source"].startswith("https://")
        assert isinstance(entry["date"], dt.date)
        assert entry.keys() & {"says", "exactly", "networks"}
    networks = [ipaddress.ip_network(one) for entry in file["network"] for one in entry["networks"]]
    assert not any(one.overlaps(other) for one, other in pairwise(sorted(networks, key=str)))
    # No pattern may repeat a repetition, which could take very long.
    assert not any(re.search(r"[*+]\)[*+]", entry.get("says", "")) for entry in entries)
