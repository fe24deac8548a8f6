"""What hostile files may cost: bytes that are read and cells that are looked at, never seconds."""

from dataclasses import dataclass

import pytest

from contacts import addresses, columns, csvdetect, csvfile
from contacts.addresses import AddressError
from contacts.csvdetect import MAX_COLUMNS, NotCsvError
from contacts.csvfile import CsvReader, Dialect


@dataclass
class Counting:
    """A source that counts what is read of it."""

    data: bytes
    read_bytes: int = 0

    def read(self, offset: int, size: int) -> bytes:
        piece = self.data[offset : offset + size]
        self.read_bytes += len(piece)
        return piece


ENDLESS = {
    "each line closes a quote and opens one": b'x"y,"\n',
    "each line opens a quote": b'"a\n',
    "quotes of quotes": b'"""",""\n"\n',
    "a quote in the middle": b'a,"b\nc,d\n',
}


@pytest.mark.parametrize("line", ENDLESS.values(), ids=ENDLESS)
def test_quotes_that_nothing_closes_are_read_a_few_times_at_most(line: bytes) -> None:
    source = Counting(b"email,name\n" + line * 20_000 + b"ann@a.example,Ann\n")
    lines = [record.line for record in CsvReader(source, Dialect())]
    assert source.read_bytes < 200 * len(source.data)
    assert lines == sorted(set(lines))


def test_one_open_quote_costs_its_line_and_no_other() -> None:
    people = [f"p{n}@a.example,P{n}\n" for n in range(30_000)]
    data = "".join(["email,name\n", '"open,x\n', *people]).encode()
    source = Counting(data)
    records = list(CsvReader(source, Dialect()))
    assert [record.problem for record in records if record.problem] == ["open_quote"]
    assert len(records) == 30_002
    assert source.read_bytes < 4 * len(data)


def test_a_note_of_many_lines_is_one_record() -> None:
    note = "\n".join(f"line {n}" for n in range(5_000))
    data = f'email,note\na@a.example,"{note}"\nb@a.example,x\n'.encode()
    assert [len(one.cells) for one in CsvReader(Counting(data), Dialect())] == [2, 2, 2]


def test_a_record_of_many_long_lines_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is in memory as a whole, and a line may have megabytes."""
    monkeypatch.setattr(csvfile, "MAX_RECORD", 2 * csvfile.PIECE)
    line = b'x",' + b"y" * 100_000 + b',"\n'  # closes a quote and opens one
    source = Counting(b'email,note\na@a.example,"\n' + line * 60 + b'x"\nb@b.example,y\n')
    first, *others = list(CsvReader(source, Dialect()))[1:]
    assert (first.line, first.problem) == (2, "open_quote")
    assert max(sum(map(len, one.cells)) for one in others) < 4 * csvfile.PIECE
    assert others[-1].cells == ["b@b.example", "y"]


@pytest.mark.parametrize(
    "row", ["a," * 501, ",".join(["email"] * 501), "x," * 100_000, "," * 300_000, ";" * 501]
)
def test_more_columns_than_anybody_has_are_refused(row: str) -> None:
    with pytest.raises(NotCsvError, match="more than 500 columns"):
        csvdetect.detect(f"{row}\na@a.example\n".encode())
    with pytest.raises(NotCsvError, match="more than 500 columns"):
        csvdetect.detect(row.encode())
    assert csvdetect.detect(f"{','.join(['email'] * MAX_COLUMNS)}\n".encode()).delimiter == ","
    assert csvdetect.detect(f"email\n{',' * (MAX_COLUMNS - 1)}\na@a.example\n".encode()).header == 1


def test_equal_names_are_told_apart_in_as_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    fold = columns.fold

    def counting(text: str) -> str:
        asked.append(text)
        return fold(text)

    monkeypatch.setattr(columns, "fold", counting)
    rows = [["Colour"] * MAX_COLUMNS, *[["red"] * MAX_COLUMNS] * 20]
    described = columns.describe(rows, header=True)
    assert len({column.key for column in described if column.guess.startswith("new:")}) > 1
    assert len(asked) <= 5 * MAX_COLUMNS


@pytest.mark.parametrize("cell", ["@" * 100_000, "a@" * 50_000, "<" * 100_000, " @ " * 40_000])
def test_a_cell_that_is_too_long_for_an_address_is_not_looked_at(cell: str) -> None:
    with pytest.raises(AddressError) as caught:
        addresses.normalise(f"x{cell}x")
    assert caught.value.reason == "cell_long"
    with pytest.raises(AddressError):
        addresses.several(f"x{cell}x")


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("a@a.example, b@b.example", ["a@a.example", "b@b.example"]),
        ("Ann <a@a.example>; @; b@b.example@", ["a@a.example", "b@b.example"]),
        ("a@a.example," + "b" * 900, ["a@a.example"]),
    ],
)
def test_several_addresses_are_found_word_by_word(cell: str, found: list[str]) -> None:
    assert addresses.several(cell) == found


def test_a_header_is_looked_for_in_a_part_of_wide_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def normalise(text: str) -> str:
        asked.append(text)
        raise AddressError("no_at")

    monkeypatch.setattr(addresses, "normalise", normalise)
    row = ["@ x"] * 10_000
    csvdetect.detect_header([(n, row) for n in range(1, 100)])
    assert len(asked) <= 3 * csvdetect.HEADER_RECORDS * MAX_COLUMNS
    assert max(map(len, asked)) <= csvdetect.LOOKED_AT + 1
