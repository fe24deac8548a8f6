"""URLs of servers: special characters in a password that were not percent-encoded."""

import pytest

from environment import readers
from environment.readers import SettingError

RAW = ["p@ss", "p#ss", "p/ss", "p?ss", "100%", "%zz", "p:ss", "[p", "p ss", "p@s/s", "#"]


@pytest.mark.parametrize("password", RAW)
@pytest.mark.parametrize(
    ("read", "url"),
    [
        (readers.database, "postgresql://me:{}@db.example:5432/yanshu"),
        (readers.broker, "amqp://me:{}@broker.example:5672/yanshu"),
        (readers.mail_server, "smtp+tls://me:{}@mail.example:587"),
    ],
)
def test_a_raw_character_is_explained(read: object, url: str, password: str) -> None:
    assert callable(read)
    with pytest.raises(SettingError, match="A_URL") as caught:
        read("A_URL", {"A_URL": url.format(password)})
    words = str(caught.value)
    assert "percent-encoded" in words
    assert "me:" not in words
    assert "db.example" not in words


def test_encoded_ones_are_read() -> None:
    url = "postgresql://m%40e:p%40%3A%2F%3F%23%25%5B%20s@db.example:5432/yan%2Fshu?sslmode=require"
    found = readers.database("A_URL", {"A_URL": url})
    assert (found["USER"], found["PASSWORD"]) == ("m@e", "p@:/?#%[ s")
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", "5432", "yan/shu")
    assert found["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize(
    "url",
    [
        "redis+socket:///tmp/x/valkey",
        "redis://:secret@h:6379/0",
        "amqp://u:p%40@h:5672/v;amqp://u:p@h2:5672/v",
        "amqps://u:p@[2001:db8::1]:5671//",
    ],
)
def test_brokers_that_are_fine(url: str) -> None:
    assert readers.broker("A_URL", {"A_URL": url}) == url
