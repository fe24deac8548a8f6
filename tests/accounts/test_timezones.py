import pytest
from django.utils import translation

from accounts import timezones


@pytest.mark.parametrize(
    ("typed", "language", "name"),
    [
        ("Asia/Shanghai", "en", "Asia/Shanghai"),
        (" asia/shanghai ", "en", "Asia/Shanghai"),
        ("America/New York", "en", "America/New_York"),
        ("new york", "en", "America/New_York"),
        ("Asia/Calcutta", "en", "Asia/Kolkata"),
        ("Montreal", "en", "America/Toronto"),
        ("Buenos Aires", "en", "America/Argentina/Buenos_Aires"),
        ("utc", "en", "UTC"),
        ("上海", "zh-hans", "Asia/Shanghai"),
        ("Berlin", "zh-hans", "Europe/Berlin"),
        ("纽约", "zh-hans", "America/New_York"),
        ("Atlantis", "en", ""),
        ("", "en", ""),
    ],
)
def test_find(typed: str, language: str, name: str) -> None:
    with translation.override(language):
        assert timezones.find(typed) == name


def test_choices_say_city_and_offset_and_hold_no_zone_twice() -> None:
    with translation.override("zh-hans"):
        known = {zone.name: zone for zone in timezones.choices()}
    assert known["Asia/Shanghai"] == timezones.Zone("Asia/Shanghai", "上海", "UTC+8")
    assert known["Asia/Kolkata"].offset == "UTC+5:30"
    assert known["Pacific/Marquesas"].offset == "UTC-9:30"
    assert "Asia/Chongqing" not in known
    assert len(known) > 400
