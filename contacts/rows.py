"""Turns one record of a file into a person, by the mapping. Pure.

A row needs a valid address. A value that does not fit its attribute's type is left out and reported
(`ImportedPerson.unusable`), and the person is imported without it: a bad date, or a second address
in the cell, is no reason to lose a subscriber.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from contacts import addresses, columns, reimport, statuswords, values
from contacts.exceptions import ContactsError
from contacts.reimport import OnLists
from contacts.statuswords import LIST, Vocabulary, WordReading, graver
from contacts.tagnames import Names, TagReader
from pages.oneline import one_line

NAME_LENGTHS = {"first_name": 150, "last_name": 150, "full_name": 300}
# Only so many characters of a cell in a status column are compared.
MAX_STATUS = 1000
ODD = values.ODD
Setter = Callable[["ImportedPerson", str], None]


class MappingError(ContactsError, ValueError):
    """The mapping can't be used; the message is the unknown target."""


class NoAddressColumnError(MappingError):
    """No column holds the address, or several do."""


class NewAttributeError(MappingError):
    """An import can't make an attribute with this key or type."""


@dataclass(slots=True)
class ImportedPerson:
    """The content of a row. `flag`: one of contacts.statuswords; `consent`: "" if the row doesn't
    say; `unusable`: (code, value) pairs; `words`: (column, reading, cell) of the status columns;
    `tags`: {key: name}; `opens`: the consent for counting opens, None if the row doesn't say."""

    email: str = ""
    first_name: str = ""
    last_name: str = ""
    full_name: str = ""
    attributes: dict[str, values.Value] = field(default_factory=dict)
    flag: str = statuswords.SUBSCRIBED
    consent: str = ""
    unusable: list[tuple[str, str]] = field(default_factory=list)
    words: list[tuple[int, WordReading, str]] = field(default_factory=list)
    tags: Names = field(default_factory=dict)
    opens: bool | None = None


class Shaper:
    """Compiled from a mapping (contacts.columns) and the workspace's attributes.

    `order`: how the file writes dates (contacts.values.ORDERS); `vocabulary`: the meanings of words
    in status columns; `on_lists`: the list columns; `tags`: for tag columns; `gone`: keys of
    deleted attributes, whose values are reported. Raises MappingError.
    """

    def __init__(  # noqa: PLR0913 - what else a row is read by
        self,
        mapping: Sequence[str],
        attributes: Iterable[columns.KnownAttribute],
        *,
        order: str = "",
        vocabulary: Vocabulary | None = None,
        on_lists: OnLists | None = None,
        tags: TagReader | None = None,
        gone: Collection[str] = (),
    ) -> None:
        if mapping.count("email") != 1:
            raise NoAddressColumnError("email")
        known = {attribute.key: attribute for attribute in attributes}
        self._email = mapping.index("email")
        self._width = len(mapping)
        # Most columns are plain text: they need no function call for each cell.
        self._texts: list[tuple[int, str]] = []
        self._setters: list[tuple[int, Setter]] = []
        vocabulary = vocabulary or Vocabulary()
        self._statuses: list[tuple[int, Callable[[str], WordReading]]] = []
        self._on_lists = on_lists or OnLists()
        # Whether only list columns say who is subscribed.
        self._lists_alone = not {"status", "accepts"} & set(mapping)
        self._read_list = _reader(vocabulary, LIST)
        self._tags = [n for n, target in enumerate(mapping) if target == columns.TAGS]
        self._opens = [n for n, target in enumerate(mapping) if target == columns.OPENS]
        self._tag_reader = tags or TagReader()
        for number, target in enumerate(mapping):
            if target in {LIST, columns.TAGS, columns.OPENS}:
                continue
            if target in columns.STATUS_FIELDS:
                self._statuses.append((number, _reader(vocabulary, target)))
            elif columns.keys_in([target]) & set(gone):
                self._add(number, _report_gone)
            elif target and target != "email":
                self._add(number, self._setter(target, known, order))

    def _add(self, number: int, setter: "str | Setter") -> None:
        if isinstance(setter, str):
            self._texts.append((number, setter))
        else:
            self._setters.append((number, setter))

    @staticmethod
    def _setter(
        target: str, known: Mapping[str, columns.KnownAttribute], order: str
    ) -> "str | Setter":
        """The function that sets a value of this column; for a text attribute only its key."""
        kind, _, rest = target.partition(":")
        if target in NAME_LENGTHS:
            return _name_setter(target)
        key, _, new_type = rest.partition(":")
        if kind == "attribute" and key in known:
            attribute = known[key]
        elif kind == "new":
            if not columns.is_new(key, new_type):
                raise NewAttributeError(target)
            attribute = columns.KnownAttribute(key, key, new_type)
        else:
            raise MappingError(target)
        return key if attribute.type == "text" else _attribute_setter(attribute, order)

    def person(self, cells: Sequence[str]) -> ImportedPerson:
        """The row's person; raises AddressError if there is no valid address."""
        if len(cells) < self._width:
            cells = [*cells, *[""] * (self._width - len(cells))]
        person = _addressed(cells[self._email])
        if self._statuses or self._on_lists.columns or self._tags or self._opens:
            self._stands(person, cells)
        for number, put in self._setters:
            if text := cells[number].strip():
                put(person, values.clean(text) if text[0] in ODD or text[-1] in ODD else text)
        attributes = person.attributes
        for number, key in self._texts:
            if text := cells[number].strip():
                if text[0] in ODD or text[-1] in ODD or not text.isprintable():
                    text = values.without_controls(values.clean(text))
                if len(text) > values.MAX_TEXT:
                    person.unusable.append(("value_text", text[:200]))
                elif text and key not in attributes:
                    attributes[key] = text
        return person

    def _stands(self, person: ImportedPerson, cells: Sequence[str]) -> None:
        """Reads the status, list and tag columns, and those about the consent for opens."""
        for number in self._opens:
            _read_opens(person, cells[number])
        if self._tags:
            person.tags, problems = self._tag_reader.read([cells[n] for n in self._tags])
            person.unusable += problems
        for number, read in self._statuses:
            reading = read(cells[number][:MAX_STATUS])
            person.flag = graver(person.flag, reading.flag)
            person.words.append((number, reading, cells[number]))
        if not self._on_lists.columns:
            return
        person.consent = self._on_lists.consent(cells)
        if (about := self._on_lists.about) is not None:
            word = reimport.word_in(self._on_lists.cell(cells)[:MAX_STATUS])
            reading = self._read_list(word)
            person.flag = self._on_lists.flag(cells, person.flag, reading)
            person.words.append((about, reading, word))
            return
        if self._lists_alone:
            person.flag = graver(person.flag, self._on_lists.summed_up(cells))
        person.flag = self._on_lists.of_lists(cells, person.flag)

    def address_cell(self, cells: Sequence[str]) -> str:
        """The row's cell in the address column."""
        return cells[self._email] if self._email < len(cells) else ""


def _read_opens(person: ImportedPerson, cell: str) -> None:
    """Of several columns, a no counts. An unknown word is no answer."""
    text = values.clean(cell).strip()
    if not text:
        return
    try:
        person.opens = values.boolean(text) and person.opens is not False
    except ValueError:
        person.unusable.append(("value_opens", text[:200]))


def _addressed(cell: str) -> ImportedPerson:
    """A person with the cell's address. Some programs write several into one cell: the first is
    used, and the others are reported."""
    try:
        return ImportedPerson(addresses.normalise(cell))
    except addresses.AddressError as error:
        if error.reason != "several_addresses":
            raise
    first, *more = addresses.several(cell)
    unusable = [("more_addresses", ", ".join(more)[:500])] if more else []
    return ImportedPerson(first, unusable=unusable)


def _name_setter(name: str) -> Setter:
    longest = NAME_LENGTHS[name]

    def put(person: ImportedPerson, text: str) -> None:
        text = one_line(text)
        if len(text) > longest:
            person.unusable.append(("value_too_long", text[:200]))
        elif not getattr(person, name):
            setattr(person, name, text)

    return put


def _report_gone(person: ImportedPerson, text: str) -> None:
    if text:
        person.unusable.append(("attribute_gone", text[:200]))


def _reader(vocabulary: Vocabulary, kind: str) -> Callable[[str], WordReading]:
    """A cached reader for the cells of one status column, which has few different words."""

    @lru_cache(maxsize=4096)
    def read(text: str) -> WordReading:
        return vocabulary.read(kind, text)

    return read


def _attribute_setter(attribute: columns.KnownAttribute, order: str) -> Setter:
    key, kind = attribute.key, attribute.type
    options: dict[str, Any] = {"order": order, "choices": attribute.choices}

    def put(person: ImportedPerson, text: str) -> None:
        if (
            not text or key in person.attributes
        ):  # two columns for one attribute: the first that has a value
            return
        if kind == "date" and values.is_no_date(text):
            return
        if kind == "objects" and text == "[]":
            return
        try:
            person.attributes[key] = values.parse(kind, text, **options)
        except ValueError:
            is_time = kind in {"date", "day"} and values.is_time(text)
            person.unusable.append(("value_time" if is_time else f"value_{kind}", text[:200]))

    return put
