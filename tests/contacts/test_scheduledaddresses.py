"""The query of an address is encrypted."""

import pytest

from accounts import secrets
from contacts.scheduledmodels import ScheduledImport
from contacts.services import scheduledaddresses

URL = "https://shop.example.com/a.csv"


def test_a_query_is_stored_encrypted_and_not_shown() -> None:
    fields = scheduledaddresses.stored(f"{URL}?key=c0 ffee")
    assert fields["url"] == URL
    assert fields["query"]
    assert b"c0" not in fields["query"]
    schedule = ScheduledImport(**fields)
    assert scheduledaddresses.shown(schedule) == f"{URL}?…"
    assert scheduledaddresses.whole(schedule) == f"{URL}?key=c0%20ffee"


def test_an_address_without_a_query() -> None:
    schedule = ScheduledImport(**scheduledaddresses.stored(URL))
    assert schedule.query is None
    assert scheduledaddresses.shown(schedule) == scheduledaddresses.whole(schedule) == URL


def test_a_query_of_another_key_can_not_be_read() -> None:
    with pytest.raises(secrets.SecretError):
        scheduledaddresses.whole(ScheduledImport(url=URL, query=b"rubbish"))
