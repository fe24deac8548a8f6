"""Whose recipients share one lane: ours, and the operator's before them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.utils import translation

from relays import apps, providers
from relays.providers import mailproviders

OWN = """
[[provider]]
key = "qq"
domains = ["qq.com", "corp.example"]

[[provider]]
key = "ours"
number = 1000
name = "Our group"
domains = ["Group.example", "gmail.com"]
country = "DE"
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    mailproviders.use("")


def test_lanes_have_names_and_numbers() -> None:
    assert all(one == one.lower() for one in providers.numbers())
    assert providers.lane_name(6, "a@foxmail.com") == "qq"
    assert providers.lane_name(providers.OTHERS, "a@Corp.example") == "corp.example"
    assert providers.lane_number("netease") == 7
    assert providers.lane_number("corp.example") == providers.OTHERS
    assert (providers.label("gmail"), providers.label("corp.example")) == ("Gmail", "corp.example")
    with translation.override("zh-hans"):
        assert (providers.label("gmail"), providers.label("netease")) == ("Gmail", "网易")


def test_the_operators_own_come_first(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    apps.use_providers(str(path))
    numbers = providers.numbers()
    # A key of ours keeps its number and loses what the operator doesn't name.
    assert (numbers["qq.com"], numbers["corp.example"]) == (6, 6)
    assert "foxmail.com" not in numbers
    assert (numbers["group.example"], numbers["gmail.com"]) == (1000, 1000)
    assert numbers["googlemail.com"] == 1
    assert [one.key for one in providers.mail_providers()][:3] == ["qq", "ours", "gmail"]
    assert providers.label("ours") == "Our group"
    # A key of ours keeps its country, too, and its domains stay in that country.
    countries = mailproviders.domain_countries()
    assert (countries["group.example"], countries["gmail.com"]) == ("DE", "DE")
    for domain in ("qq.com", "corp.example", "foxmail.com", "163.com"):
        assert countries[domain] == "CN"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[provider]]\nkey = 'x'\nnumber = 5\ndomains = ['x.example']", "from 1000 to 32767"),
        ("[[provider]]\nkey = 'x'\nnumber = 1000", "provider 1: domains must be a list"),
        (
            "[[provider]]\nkey = 'x'\nnumber = 1000\ndomains = ['x.example']\ncountry = 'China'",
            "provider 1: country must be a code",
        ),
        ("[[provider]]\nnumber = 1000\ndomains = ['x.example']", "provider 1: key must be a text"),
        ("[[provider]]\nkey = 'x.y'\nnumber = 1000", "key must be one word without points"),
        ("[[provider]]\nkey = 'qq'\nnumber = 7\ndomains = ['x.example']", "number is 6 for this"),
        ("[[provider]]\nkey = 'qq'\ndomain = 'x'\ndomains = ['x.example']", "domain is no field"),
        ("[provider.x]\ndomains = ['x.example']", r"write each provider as \[\[provider\]\]"),
        ("[[providers]]\nkey = 'x'", "providers is no field; there are: provider"),
        ("what", "this is no TOML"),
        (OWN + OWN.replace("ours", "theirs").replace("qq", "x-y"), "number must be a number"),
        (OWN + OWN, "the same key"),
        (OWN + OWN.replace("ours", "theirs").replace('"qq"', '"yahoo"'), "the same number"),
    ],
)
def test_a_wrong_file_stops_the_start(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(text)
    with pytest.raises(SystemExit, match=rf"YANSHU_MAIL_PROVIDERS: {path}.*{says}"):
        apps.use_providers(str(path))


def test_a_file_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"YANSHU_MAIL_PROVIDERS: .*own\.toml can't be read"):
        apps.use_providers(str(tmp_path / "own.toml"))
