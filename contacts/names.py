"""People's names. Pure."""

import re

# Han, Kana, Hangul: the family name comes first, without a space.
EAST_ASIAN = re.compile("[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")


def full(first: str, last: str, whole: str = "") -> str:
    """The whole name, made from its parts if it isn't given."""
    if whole or not (first and last):
        return whole or first or last
    if not last.isascii() and EAST_ASIAN.search(last) and EAST_ASIAN.search(first):
        return last + first
    return f"{first} {last}"
