"""The rules of several markets together, and the mark at the beginning of a subject. Pure."""

import re
from functools import cache

from accounts.markets.reading import Market, MarketRules, SubjectMark, markets

CHINESE = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U000323af]")
# Spaces, and signs without width, which nobody sees.
SPACE = (
    "\\s\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
    "\ufe00-\ufe0f\ufeff"
)
# Before a mark that is there already: spaces, opening brackets and quotation marks.
BEFORE = "[" + SPACE + r"\[(【〔（［「『〖《〈{｛<＜\"“*★]*"
# After a mark of Latin letters, in any case; after one as it is written in the file, a space, too.
AFTER = (
    "["
    + SPACE
    + r"]*[:：\])】〕）］」』〗》〉}｝>＞\"”|｜,，;；.。!！/·*★]|["
    + SPACE
    + r"]+[-–—]\s"
)
# From ASCII to full-width forms.
WIDE = 0xFEE0


def named(bits: int) -> list[Market]:
    """The markets of this number, by their own; unknown bits are ignored."""
    return [one for one in markets().values() if bits & one.bit]


def of_key(key: str) -> int:
    """The bits of a market, with those of the market around it; 0: "" or no market any more."""
    one = markets().get(key)
    if one is None:
        return 0
    return one.bit | of_key(one.within)


def rules(bits: int) -> MarketRules:
    """The strictest of each rule. (The mark of the first market that has one; for all: `marks`.)"""
    found = [one.rules for one in named(bits)]
    return MarketRules(
        subject_mark=next((one.subject_mark for one in found if one.subject_mark), None),
        consent=any(one.consent for one in found),
        postal_address=any(one.postal_address for one in found),
        contact_days=max((one.contact_days for one in found), default=0),
        unsubscribe_days=max((one.unsubscribe_days for one in found), default=0),
        opens_with_consent=any(one.opens_with_consent for one in found),
    )


@cache
def marks() -> int:
    """The bits of all markets with a mark: these alone change a mail."""
    return sum(one.bit for one in markets().values() if one.rules.subject_mark)


def marked(subject: str, bits: int) -> str:
    """The subject with the marks of these markets, in front of it."""
    for market in named(bits & marks()):
        mark = market.rules.subject_mark
        if mark is not None and not _begins(mark).match(subject):
            begin = mark.chinese if CHINESE.search(subject) else mark.other
            subject = (begin + subject.lstrip()).rstrip()
    return subject


@cache
def _begins(mark: SubjectMark) -> re.Pattern[str]:
    """Matches subjects that begin with the mark: in any case and width, perhaps in brackets. What
    may be the beginning of another word, such as "Ad hoc" or 广告行业, is no mark: a second mark
    harms nobody."""
    return re.compile(rf"{BEFORE}(?:{'|'.join(map(_ended, mark.known))})")


def _ended(word: str) -> str:
    """A word with what may follow it."""
    if not word.isascii():
        return rf"{re.escape(word)}(?!{CHINESE.pattern})"
    wide = "".join(chr(ord(letter) + WIDE) for letter in word)
    any_case = f"{word}|{word.lower()}|{word.title()}|{wide}|{wide.lower()}"
    return rf"(?:(?:{any_case})(?:{AFTER}|[{SPACE}]*$)|(?:{word}|{wide})\s)"
