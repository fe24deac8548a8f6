"""The time zones that a person may choose, and the search for one by typed text. Pure."""

import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from babel.core import get_global
from babel.dates import get_timezone_location

from pages import locales


@dataclass(frozen=True, slots=True)
class Zone:
    """A zone in a list of choices: `city` in the reader's language, `offset` such as "UTC+8"."""

    name: str
    city: str
    offset: str


@lru_cache(maxsize=1)
def names() -> tuple[str, ...]:
    """UTC, then every place sorted by name, without abbreviations and former names."""
    known = zoneinfo.available_timezones() - get_global("zone_aliases").keys()
    places = (name for name in known if "/" in name and not name.startswith(("Etc/", "SystemV/")))
    return ("UTC", *sorted(places))


def choices() -> list[Zone]:
    """Every zone, with its city in the current language and its offset now."""
    now = datetime.now(UTC)
    cities = _cities(str(locales.current()))
    return [Zone(name, cities[name], _offset(name, now)) for name in names()]


def find(text: str) -> str:
    """The name of the zone that the text means, or "". The text may be a name, a former name such
    as Asia/Calcutta, or a city in English or the current language."""
    return _by_text(str(locales.current())).get(_plain(text), "")


@lru_cache(maxsize=4)
def _by_text(locale: str) -> dict[str, str]:
    """{typed text: zone}. A zone's own name wins over a city, and a city over a former name."""
    old = {name: zone for name, zone in get_global("zone_aliases").items() if zone in names()}
    found = {_plain(name.rpartition("/")[2]): zone for name, zone in old.items()}
    found |= {_plain(name): zone for name, zone in old.items()}
    found |= {_plain(name.rpartition("/")[2]): name for name in names()}
    found |= {_plain(city): name for name, city in _cities(locale).items()}
    return found | {_plain(name): name for name in names()}


def _plain(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).casefold()


@lru_cache(maxsize=4)
def _cities(locale: str) -> dict[str, str]:
    """{zone: city}, without the region that some have ("Argentina/Buenos Aires")."""
    cities = {n: get_timezone_location(n, locale, return_city=True) for n in names()[1:]}
    return {"UTC": "UTC", **{name: city.rpartition("/")[2] for name, city in cities.items()}}


def _offset(name: str, at: datetime) -> str:
    """Such as UTC+8 or UTC-3:30."""
    minutes = int((at.astimezone(zoneinfo.ZoneInfo(name)).utcoffset() or at - at).total_seconds())
    hours, rest = divmod(abs(minutes) // 60, 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}{f':{rest:02}' if rest else ''}"
