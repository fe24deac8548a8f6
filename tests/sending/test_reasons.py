"""Reasons and words as their reader sees them."""

import pytest
from django.utils.translation import override

from sending.reasons import said
from sending.services.recovery import KILLED


@pytest.mark.parametrize("words", ["550 5.1.1 No such user", "", "what?"])
def test_a_servers_words_stay_as_they_came(words: str) -> None:
    with override("zh-hans"):
        assert said(words) == words


def test_words_of_ours_are_in_the_readers_language() -> None:
    with override("zh-hans"):
        assert said(KILLED) == "发送进程被终止。"
    with override("en"):
        assert said(KILLED) == KILLED


def test_a_part_that_could_not_be_made_is_told_without_pythons_words() -> None:
    words = "html, line 3: TypeError: '>' not supported between instances of 'str' and 'int'"
    with override("en"):
        assert said(words) == (
            "HTML, line 3: This does not work with this person's values. "
            "A number or date is needed here."
        )
    with override("zh-hans"):
        assert said(words).startswith("HTML，第 3 行：")
