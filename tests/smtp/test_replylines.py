"""Replies are cut the same way whatever pieces they come in."""

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from smtp.replylines import GarbledError, ReplyReader

STREAM = b"250 ok\r\n250-a\r\n250-\r\n250 b c\r\n354 go\n550\r\n451 \xe4\xbd\xa0\xff\r\n"
REPLIES = [(250, "ok"), (250, "a  b c"), (354, "go"), (550, ""), (451, "你\ufffd")]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_pieces_of_any_size(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = ReplyReader()
    got = []
    for begin, end in itertools.pairwise(places):
        got += list(reader.feed(STREAM[begin:end]))
    assert got == REPLIES
    assert not reader.pending


@given(st.binary(max_size=200))
@example(data=b"\xce\x80\n")  # a sign that Unicode has not assigned
def test_any_bytes_are_replies_or_garbled(data: bytes) -> None:
    try:
        replies = list(ReplyReader().feed(data))
    except GarbledError as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert all(200 <= code < 600 and "\x00" not in words for code, words in replies)


def test_replies_before_the_garbled_one_count() -> None:
    reader = ReplyReader()
    got: list[tuple[int, str]] = []
    with pytest.raises(GarbledError):
        got.extend(reader.feed(b"250 ok\r\n550 no\r\nwhat\r\n"))
    replies = ReplyReader().feed(b"250 ok\r\n550 no\r\nwhat\r\n")
    assert [next(replies), next(replies)] == [(250, "ok"), (550, "no")]


def test_a_beginning_is_pending() -> None:
    reader = ReplyReader()
    assert list(reader.feed(b"250-a\r\n")) == []
    assert reader.pending
    assert list(reader.feed(b"250 b\r\n2")) == [(250, "a b")]
    assert reader.pending
