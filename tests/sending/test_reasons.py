"""Reasons and words as their reader sees them."""

import pytest
from django.utils.translation import override

from sending import reasons
from sending.recovery import KILLED


@pytest.mark.parametrize("words", ["550 5.1.1 No such user", "", "what?"])
def test_a_servers_words_stay_as_they_came(words: str) -> None:
    with override("zh-hans"):
        assert reasons.said(words) == words


def test_words_of_ours_are_in_the_readers_language() -> None:
    with override("zh-hans"):
        assert reasons.said(KILLED) == "发送进程被终止。"
    with override("en"):
        assert reasons.said(KILLED) == KILLED
