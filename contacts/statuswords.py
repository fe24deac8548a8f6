"""The meanings of words in status and consent columns. Pure; the words are in statuswords.toml.

People are asked about words that are neither certain nor answered (`ASKED`). Until then the persons
with such a word are imported, but neither subscribed nor suppressed: in doubt nobody is mailed.

Kinds of columns (`KINDS`):
    "status"        words such as subscribed, unsubscribed, cleaned
    "accepts"       whether the person wants mail: yes or no
    "unsubscribed", "suppressed", "bounced", "complained"
                    a mark: yes, or a date since when
    "list"          the status on one list, in our own export (contacts.reimport)
An empty cell of a mark column says nothing; in a list column it means that the person is not on the
list. In a status or accepts column it is a word like any other (`EMPTY`): it is no "yes", so it is
asked about.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from contacts import values

MARKS = ("unsubscribed", "suppressed", "bounced", "complained")
LIST = "list"
KINDS = ("status", "accepts", *MARKS, LIST)
# The meanings that a word may have.
MEANINGS = ("subscribed", "unsubscribed", "bounced", "complained", "suppressed", "skip")
# In a program's table: people are asked, although the word is certain in other files.
ASK = "ask"

# Flags of a row, from the mildest to the gravest: the gravest of a row's columns, and of an
# address's rows, wins. A question is graver than "not on the list", because its answer may be.
# LEFT_LIST: unsubscribed, and a list column says from which list.
SUBSCRIBED, SKIPPED, ASKED, LEFT_LIST = "", "n", "?", "l"
UNSUBSCRIBED, SUPPRESSED, BOUNCED, COMPLAINED = "u", "s", "b", "c"
FLAGS = (
    *(SUBSCRIBED, SKIPPED, ASKED, LEFT_LIST),
    *(UNSUBSCRIBED, SUPPRESSED, BOUNCED, COMPLAINED),
)
FLAG_OF = {
    "subscribed": SUBSCRIBED,
    "skip": SKIPPED,
    "unsubscribed": UNSUBSCRIBED,
    "suppressed": SUPPRESSED,
    "bounced": BOUNCED,
    "complained": COMPLAINED,
}
MEANING_OF = {flag: meaning for meaning, flag in FLAG_OF.items()}

# Keys for values that are no words: an empty cell, any plausible date, and words beyond the limit.
EMPTY, DATE, OTHER = "", "#date", "#other"
MAX_WORD = 100
# No program has so many different status words.
CROWDED = 30

# 0000-00-00 00:00:00, 00/00/0000 and the like: "no date" in MySQL's exports.
ZEROS = re.compile(r"(?=.{8})0[0\s:./TZ+-]*", re.ASCII)
WHOLE = re.compile(r"(\d+)\.0+", re.ASCII)
# Signs that reverse a word or put it in doubt are kept as part of it.
DOUBT = re.compile(r"[?!~*]|^-(?=\w)")
WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.ASCII | re.IGNORECASE)
# Seconds or milliseconds since 1970, for 2001 to 2033.
UNIX_TIME = re.compile(r"1\d{9}(?:\d{3})?", re.ASCII)
COMPACT_TIME = re.compile(r"(\d{8})T?\d{4,6}Z?", re.ASCII)
SHORT_YEAR = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2}(?:\s.*)?", re.ASCII | re.DOTALL)
# Parts of words that hardly any column except a status column has.
TELLING = re.compile(
    unicodedata.normalize(
        "NFKD",
        "subscri|optin|optout|opted|bounce|complain|spam|suppress|blocklist|blacklist"
        "|订阅|訂閱|退订|退訂|退信|黑名单|黑名單|拒收|購読|配信|退会|구독|수신거부|подписан|отписа"
        "|suscrit|abonn|inscri|iscritt|descadastr|dadodebaja|abgemeldet|abbestellt"
        "|ingeschreven|uitgeschreven|afgemeld",
    )
)
# Text about people who want no mail, as in tags, groups and notes.
LEAVING = re.compile(
    r"unsub|opt(?:ed)?[ -]?out|do not (?:e?mail|contact|send)|don.t (?:e?mail|send)"
    r"|no more (?:e?mail|news)|bl(?:ack|ock)[ -]?list|spam complaint|hard bounce|suppressed"
    "|退订|退訂|取消订阅|取消訂閱|黑名单|黑名單|拒收|(?:不要|不再|勿|别)(?:再)?(?:给我)?(?:发|發|寄)|投诉"
    "|abgemeldet|abbestellt|keine (?:e-?mails?|werbung)|d[ée]sabonn|d[ée]sinscri|dad[oa] de baja"
    "|descadastr|disiscri|uitgeschreven|afgemeld|отписа|配信停止|購読解除|退会|수신거부|구독취소"
)
# Plausible years of leaving: 1970-01-01 and 1899-12-30 are zeros that became dates.
FIRST_YEAR, LAST_YEAR = 1990, 2100


@dataclass(frozen=True, slots=True)
class WordReading:
    """`key`: the word's key; `flag`: the effect; `suggestion`: a likely meaning of a word that is
    asked about ("" for none)."""

    key: str
    flag: str
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of statuswords.toml, and people's answers: {(kind, key): meaning}. An answer wins
    over a certain word."""

    answers: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def read(self, kind: str, text: str) -> WordReading:
        key = key_of(text)
        if meaning := self.answers.get((kind, key)):
            return WordReading(key, ASKED if meaning == ASK else FLAG_OF[meaning])
        certain, likely = _known_words(kind)
        if key in certain:
            return WordReading(key, FLAG_OF[certain[key]])
        return WordReading(key, ASKED, likely.get(key, ""))


def graver(flag: str, other: str) -> str:
    return max(flag, other, key=FLAGS.index)


def key_of(text: str) -> str:
    """The word for comparison; EMPTY; DATE; an implausible date as YYYY-MM-DD."""
    text = unicodedata.normalize("NFKC", values.clean(text)).strip()
    if not text or text == r"\N":  # what PostgreSQL and MySQL write for NULL
        return EMPTY
    if ZEROS.fullmatch(text):
        return "00000000"
    if day := _day(text):
        return day
    if match := WHOLE.fullmatch(text):
        text = match[1]
    return fold(text)


def fold(text: str) -> str:
    """The text without case, width, accents, spaces and punctuation. A word of only signs keeps
    them, and so does one with a sign that may reverse it."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(character for character in plain if character.isalnum())
    if letters and not DOUBT.search(text) and not any(map(_is_symbol, text)):
        return letters[:MAX_WORD]
    signs = "".join(c for c in text if unicodedata.category(c)[0] not in "MCZ")
    return signs.casefold()[:MAX_WORD]


def _is_symbol(character: str) -> bool:
    """Whether it is a cross, a minus or a picture that may reverse a word, as in "× active"."""
    return character > "\x7f" and unicodedata.category(character) in {"Sm", "So"}


def _day(text: str) -> str:
    """DATE for a plausible day; another day as YYYY-MM-DD; "" for no day."""
    if len(text) > 80 or not any(map(str.isdigit, text)):
        return ""
    if UNIX_TIME.fullmatch(text):
        return DATE
    text = WEEKDAY.sub("", text, count=1) if WEEKDAY.match(text) else text
    if match := COMPACT_TIME.fullmatch(text):
        text = match[1]
    for order in ("mdy", "dmy"):
        with suppress(ValueError):
            day = values.date(text.replace("日", "日 "), order=order)
            return DATE if FIRST_YEAR <= day.year <= LAST_YEAR else day.isoformat()
    if match := SHORT_YEAR.fullmatch(text):
        first, second = sorted((int(match[1]), int(match[2])))
        return DATE if 1 <= first <= 12 and second <= 31 else ""
    return ""


@cache
def _known_words(kind: str) -> tuple[dict[str, str], dict[str, str]]:
    """(certain words, likely words) of a kind of column: {key: meaning}."""
    file = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    certain, likely = _words(file["status"]["certain"]), _words(file["status"]["likely"])
    if kind == "accepts":
        own = _words(file["accepts"]["certain"])
        # A date of consent; without one, the person probably doesn't agree.
        dated = {DATE: "subscribed", EMPTY: "skip"}
        return certain | own, likely | _words(file["accepts"]["likely"]) | dated
    if kind in MARKS:
        as_mark = {"yes": kind, "no": "subscribed"}
        own = _words(file["mark"]["certain"], as_mark) | {EMPTY: "subscribed", DATE: kind}
        return certain | own, likely | _words(file["mark"]["likely"], as_mark)
    if kind == LIST:
        own = {"subscribed": "subscribed", "unsubscribed": "unsubscribed", EMPTY: "skip"}
        return own, likely | {word: meaning for word, meaning in certain.items() if word not in own}
    return certain, likely


def _words(table: Mapping[str, str], named: Mapping[str, str] | None = None) -> dict[str, str]:
    return {
        key_of(word): (named or {}).get(meaning, meaning)
        for meaning, words in table.items()
        for word in words.split(";")
    }


def is_status_word(text: str) -> bool:
    """Whether a cell has a word that hardly any column except a status column has: that somebody is
    subscribed or left. "active", "new" or "yes" are in other columns, too."""
    key = key_of(text)
    return key in _telling()


def is_yes_or_no(text: str) -> bool:
    return key_of(text) in _yes_or_no()


@cache
def _yes_or_no() -> frozenset[str]:
    file = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return frozenset(_words(file["mark"]["certain"]))


def speaks_of_leaving(text: str) -> bool:
    return bool(LEAVING.search(unicodedata.normalize("NFKC", text[:1000]).casefold()))


def is_known(text: str) -> bool:
    """Whether a cell has any known status word, also one that occurs in other columns."""
    certain, likely = _known_words("status")
    key = key_of(text)
    return key in certain or key in likely


@cache
def _telling() -> frozenset[str]:
    certain, likely = _known_words("status")
    return frozenset(word for word in (*certain, *likely) if TELLING.search(word))


@dataclass(slots=True)
class Word:
    """A word of a status column (numbered from 0), with its number of cells."""

    column: int
    kind: str
    key: str
    # As the file first writes it.
    text: str
    flag: str
    suggestion: str
    count: int = 0


class WordCounts:
    """Counts of the words in a file's status columns: at most MOST different ones for each column,
    and the others together as OTHER."""

    MOST = 500

    def __init__(self, stored: Iterable[Sequence[Any]] = ()) -> None:
        self._words: dict[tuple[int, str], Word] = {}
        self._different: dict[int, int] = {}
        for values_ in stored:
            self._put(Word(*values_))

    def stored(self) -> list[list[Any]]:
        """For the database, and for `WordCounts(...)`."""
        return [list(astuple(word)) for word in self]

    def count(self, column: int, kind: str, reading: WordReading, text: str) -> None:
        if there := self._words.get((column, reading.key)):
            there.count += 1
        else:
            self._put(Word(column, kind, reading.key, text, reading.flag, reading.suggestion, 1))

    def add(self, more: "WordCounts") -> None:
        for word in more:
            self._put(replace(word))

    def _put(self, word: Word) -> None:
        different = self._different.get(word.column, 0)
        place = (word.column, word.key)
        if different >= self.MOST and word.key != OTHER and place not in self._words:
            word = Word(word.column, word.kind, OTHER, "", ASKED, "", word.count)
            place = (word.column, OTHER)
        if there := self._words.get(place):
            there.count += word.count
            return
        self._words[place] = word
        if word.key != OTHER:
            self._different[word.column] = different + 1

    def __iter__(self) -> Iterator[Word]:
        """Words that are asked about come first, then the most frequent."""
        order = sorted(
            self._words.values(), key=lambda w: (w.flag != ASKED, -w.count, w.column, w.key)
        )
        return iter(order)

    @property
    def asked(self) -> list[Word]:
        return [word for word in self if word.flag == ASKED]

    def crowded(self) -> list[int]:
        """Columns with so many different words that they are probably no status columns."""
        return [column for column, number in self._different.items() if number > CROWDED]
