"""Values of merge fields that are neither text nor number nor date: a day of the year, and several
choices. Pure."""

import datetime as dt

from contacts.values import LEAP_YEAR


class YearDay(str):
    """Month and day, as stored: "05-14". A mail shows it in its language."""

    __slots__ = ()

    @property
    def date(self) -> dt.date:
        """In a leap year. Raises ValueError for another text."""
        return dt.date.fromisoformat(f"{LEAP_YEAR}-{self}")


class Chosen(tuple[str, ...]):
    """Several choices. A mail shows them with commas between, or one by one in a loop."""

    __slots__ = ()
