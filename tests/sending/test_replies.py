"""What servers say, and what it means for the recipient."""

import pytest

from sending.replies import Meaning, meaning

SAID = [
    (250, "2.0.0 Ok: queued as 4XyZ", Meaning.ACCEPTED),
    (550, "5.1.1 <no@x.example>: User unknown in local recipient table", Meaning.ADDRESS),
    (550, "No such user here", Meaning.ADDRESS),
    (
        550,
        "5.1.10 RESOLVER.ADR.RecipientNotFound; not found by SMTP address lookup",
        Meaning.ADDRESS,
    ),
    (550, "5.7.1 Message rejected as spam by content filtering", Meaning.POLICY),
    (554, "5.7.1 Service unavailable; Client host blocked using a block list", Meaning.POLICY),
    (552, "5.3.4 Message size exceeds fixed limit", Meaning.TOO_LARGE),
    (452, "4.2.2 The recipient's inbox is out of storage space", Meaning.FULL),
    (452, "4.3.1 Insufficient system storage", Meaning.FULL),
    (552, "5.2.2 Mailbox full", Meaning.FULL),
    (450, "4.2.0 <a@x.example>: Recipient address rejected: Greylisted", Meaning.GREYLISTED),
    (451, "4.3.0 Try again later", Meaning.TRANSIENT),
    (421, "4.7.0 Too many connections from your host", Meaning.RATE),
    (450, "4.2.1 The user is receiving mail at a rate that prevents delivery", Meaning.RATE),
    (550, "5.4.5 Daily user sending limit exceeded", Meaning.RATE),
    (535, "5.7.8 Username and Password not accepted", Meaning.LOGIN),
    (530, "5.7.0 Must issue a STARTTLS command first", Meaning.LOGIN),
    (550, "5.7.60 SMTP; Client does not have permissions to send as this sender", Meaning.SENDER),
    (499, "", Meaning.TRANSIENT),
]


@pytest.mark.parametrize(("code", "words", "expected"), SAID)
def test_meaning(code: int, words: str, expected: Meaning) -> None:
    assert meaning(code, words) is expected


@pytest.mark.parametrize("words", ["", "\x00\xff", "5.1.1" * 1000, "a" * 100_000, "550 " * 20_000])
def test_any_words_have_a_meaning_soon(words: str) -> None:
    for code in (400, 421, 450, 500, 550, 599):
        assert isinstance(meaning(code, words), Meaning)


def test_each_meaning_decides_one_thing() -> None:
    for one in Meaning:
        assert one.fails + one.retries + one.stops_relay <= 1
