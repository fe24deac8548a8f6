"""The questions about words in an import's status columns, and the form with the answers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Import, StatusWord
from contacts.services import importchoices, importfile, statuswords
from contacts.services.statuswords import WordAnswer
from contacts.statuswords import ASKED, DATE, EMPTY, MEANING_OF, OTHER, Word, WordCounts

# How many words are shown; the others are only counted.
SHOWN = 100
# Names of values that are not words.
NAMES: dict[str, Promise] = {
    EMPTY: gettext_lazy("(empty cell)"),
    DATE: gettext_lazy("(a date)"),
    OTHER: gettext_lazy("(all other words)"),
}
LABELS = dict(StatusWord.Meaning.choices)


@dataclass(frozen=True, slots=True)
class Asked:
    """A word and its answer. `meaning`: the one in use ("" while it is asked); `source`: where the
    answer was given ("file", "workspace" or "")."""

    word: Word
    text: str
    column: str
    meaning: str
    source: str

    @property
    def can_answer(self) -> bool:
        return self.word.key != OTHER

    @property
    def suggestion(self) -> str:
        return str(LABELS.get(self.word.suggestion, ""))


@dataclass(frozen=True, slots=True)
class WordQuestions:
    """All words of a file: `asked` ones without an answer, and `known` ones."""

    asked: list[Asked]
    known: list[Asked]
    # Number of words that are not shown, and of their cells.
    more: int
    more_cells: int
    # Names of columns that have too many different words.
    crowded: list[str]
    choices: list[tuple[str, str]]


def asked(import_: Import, words: WordCounts) -> WordQuestions | None:
    """The questions about the words; None for a file without a status column."""
    listed = list(words)
    if not listed:
        return None
    names = column_names(import_)
    of_import, of_workspace = (
        statuswords.of_import(import_),
        statuswords.remembered(import_.workspace_id),
    )
    shown: list[Asked] = []
    for word in listed[:SHOWN]:
        place = (word.kind, word.key)
        source = "file" if place in of_import else "workspace" if place in of_workspace else ""
        answer = of_import.get(place) or of_workspace.get(place, "")
        meaning = answer or ("" if word.flag == ASKED else MEANING_OF[word.flag])
        text = str(NAMES.get(word.key, word.text))
        column = names.get(word.column) or _("Column {n}").format(n=word.column + 1)
        shown.append(Asked(word, text, column, meaning, source))
    return WordQuestions(
        asked=[one for one in shown if not one.meaning],
        known=[one for one in shown if one.meaning],
        more=len(listed) - len(shown),
        more_cells=sum(word.count for word in listed[SHOWN:]),
        crowded=[
            names.get(column) or _("Column {n}").format(n=column + 1) for column in words.crowded()
        ],
        choices=[(value, str(label)) for value, label in StatusWord.Meaning.choices],
    )


def column_names(import_: Import) -> dict[int, str]:
    """{number from 0: name of the column for users}"""
    described = importchoices.describe(import_, importfile.dialect_of(import_))
    return {
        number: column.header or _("Column {n}").format(n=number + 1)
        for number, column in enumerate(described)
    }


def answers(posted: Mapping[str, str]) -> Iterator[WordAnswer]:
    """The answers of the form: word_0, kind_0, text_0, meaning_0, and so on. A suggestion is no
    answer: the page shows it beside the choice."""
    for number in range(SHOWN):
        if f"kind_{number}" not in posted:
            continue
        kind, key, text, meaning = (
            posted.get(f"{name}_{number}", "") for name in ("kind", "word", "text", "meaning")
        )
        # Unchanged choices need no answer.
        if meaning != posted.get(f"was_{number}", ""):
            yield WordAnswer(kind, key, text, meaning)
