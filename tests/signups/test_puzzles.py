"""Stamps and their puzzles."""

from datetime import timedelta
from hashlib import sha256
from unittest.mock import patch

import pytest
from django.core import signing
from django.utils import timezone

from signups import puzzles
from tests.signups.conftest import solution

KEY, OTHER = "k" * 22, "o" * 22


def test_a_stamp_is_of_its_form_and_holds_for_two_hours() -> None:
    stamp = puzzles.make(KEY)
    known = puzzles.read(stamp, KEY)
    assert known
    assert known.age < 2
    assert puzzles.read(stamp, OTHER) is None
    assert puzzles.read(stamp[:-1] + ("a" if stamp[-1] != "a" else "b"), KEY) is None
    later = timezone.now() + timedelta(hours=2, seconds=1)
    with patch.object(timezone, "now", return_value=later):
        assert puzzles.read(stamp, KEY) is None


@pytest.mark.parametrize("text", ["", "x", ":", "a:b", "é" * 400, signing.dumps({})])
def test_other_texts_are_no_stamp(text: str) -> None:
    assert puzzles.read(text, KEY) is None


def test_the_digest_begins_with_sixteen_zero_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(puzzles, "BITS", 16)
    stamp = puzzles.make(KEY)
    number = solution(stamp)
    signature = stamp.rpartition(":")[2]
    assert sha256(f"{signature}.{number}".encode()).digest()[:2] == b"\0\0"
    assert not puzzles.solved(puzzles.make(KEY), number)


@pytest.mark.parametrize("number", ["", "-1", "1.5", "x", "9" * 5000, "１"])
def test_what_is_no_number_solves_nothing(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(puzzles, "BITS", 0)
    assert not puzzles.solved("stamp", number)
