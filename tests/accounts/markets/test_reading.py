"""The markets' files: all of ours load, and a wrong one is refused with its name and the field."""

import datetime as dt
import re
from pathlib import Path

import pytest
from django.utils import translation

from accounts.markets import MarketError, markets
from accounts.markets.reading import HERE, read, read_all
from contacts import countries

GOOD = """
number = 9
name = { en = "Elsewhere", zh = "别处" }
countries = ["ZZ"]
top_level = ["zz"]
law = { en = "A law", zh = "某法" }
source = "https://law.example/1"
looked_up = 2026-11-30
"""


def test_every_file_is_a_market_with_a_source_and_its_date() -> None:
    found = markets()
    assert (
        set(found) == {file.stem for file in HERE.glob("*.toml")} >= {"cn", "eu", "fr", "us", "ca"}
    )
    for one in found.values():
        assert one.source.startswith("https://")
        assert dt.date(2026, 1, 1) <= one.looked_up <= dt.datetime.now(dt.UTC).date()
        assert one.laws["en"] != one.laws["zh"]


def test_stored_numbers_never_change() -> None:
    assert {key: one.number for key, one in markets().items()} == {
        "cn": 0,
        "eu": 1,
        "fr": 2,
        "us": 3,
        "ca": 4,
    }


def test_countries_of_markets_are_countries() -> None:
    codes = set(countries.names().values())
    assert {code for one in markets().values() for code in one.countries} <= codes


def test_a_state_with_a_file_of_its_own_is_taken_out_of_the_market_around_it() -> None:
    assert "FR" in markets()["fr"].countries
    assert "FR" not in markets()["eu"].countries


def test_texts_are_in_the_language_of_the_page() -> None:
    china = markets()["cn"]
    assert china.name == "China"
    with translation.override("zh-hans"):
        assert china.name == "中国"
        assert "第十三" in china.law


def write(folder: Path, text: str, name: str = "zz") -> Path:
    file = folder / f"{name}.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_needs_no_rules(tmp_path: Path) -> None:
    assert read(write(tmp_path, GOOD)).rules.subject_mark is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("number = 9", "number = 15"), "zz.toml number must be a number from 0 to 14"),
        (("number = 9", "number = true"), "zz.toml number must be a int"),
        (("number = 9", ""), "zz.toml number must be a int"),
        (('zh = "别处"', 'de = "Da"'), "zz.toml name must have name.en and name.zh"),
        (('countries = ["ZZ"]', 'countries = ["zz"]'), "zz.toml countries must be a list"),
        (('countries = ["ZZ"]', "countries = []"), "zz.toml countries must be a list"),
        (('top_level = ["zz"]', 'top_level = [".zz"]'), "zz.toml top_level must be a list"),
        (("https://", "http://"), "zz.toml source must match"),
        (("looked_up = 2026-11-30", ""), "zz.toml looked_up must be a date"),
        (("looked_up = 2026-11-30", 'looked_up = "lately"'), "zz.toml looked_up must be a date"),
        (("number = 9", "number = 9\nmore = 1"), "zz.toml more is no field"),
        (("number = 9", "number = "), "zz.toml can't be read"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(MarketError, match=re.escape(words)):
        read(write(tmp_path, text))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("consent = 1", "[rules] consent must be a bool"),
        ("contact_days = 1000", "[rules] contact_days must be a number from 0 to 366"),
        ("marks = []", "[rules] marks is no field"),
        ('subject_mark = { chinese = "广告：" }', "subject_mark other must be a str"),
        (
            'subject_mark = { chinese = "广告：", other = "AD: ", known = ["广告"] }',
            "subject_mark known must have the words of chinese and other",
        ),
        (
            f'subject_mark = {{ chinese = "{"广" * 30}", other = "AD: ", known = ["AD"] }}',
            "subject_mark chinese must match",
        ),
    ],
)
def test_wrong_rules_are_refused(tmp_path: Path, rules: str, words: str) -> None:
    with pytest.raises(MarketError, match=re.escape(words)):
        read(write(tmp_path, f"{GOOD}[rules]\n{rules}\n"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("number = 9", "number = 9"), "Two markets have the same number"),
        (("number = 9", "number = 8"), "Two markets have the same countries: ZZ"),
        (("number = 9", 'number = 8\nwithin = "yy"'), "yy.toml: within must name a market"),
        (("number = 9", 'number = 8\nwithin = "gone"'), "yy.toml: within must name a market"),
    ],
)
def test_files_that_contradict_each_other_are_refused(
    tmp_path: Path, change: tuple[str, str], words: str
) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD.replace(*change), name="yy")
    with pytest.raises(MarketError, match=re.escape(words)):
        read_all(tmp_path)


def test_the_name_of_a_file_is_a_key(tmp_path: Path) -> None:
    with pytest.raises(MarketError, match="small letters"):
        read(write(tmp_path, GOOD, name="Z-1"))
