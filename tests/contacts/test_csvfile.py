"""Records out of files as programs write them, from any record on."""

import csv
import io
import random
from itertools import islice

import pytest

from contacts.csvdetect import NotCsvError, detect
from contacts.csvfile import PIECE, Bytes, CsvReader, Dialect, FilePosition, Record


def rows_of(data: bytes, **dialect: object) -> list[list[str]]:
    return [record.cells for record in CsvReader(Bytes(data), Dialect(**dialect))]  # type: ignore[arg-type]


@pytest.mark.parametrize("eol", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"]
)
def test_encodings_and_line_ends(encoding: str, eol: str) -> None:
    text = eol.join(["email,姓名", 'a@b.example,"王, 伟"', '"c@d.example","line one\nline 二"', ""])
    data = text.encode(encoding)
    dialect = detect(data)
    assert dialect.encoding == {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(encoding, encoding)
    assert dialect.header
    assert list(CsvReader(Bytes(data), dialect)) == [
        Record(1, ["email", "姓名"], ""),
        Record(2, ["a@b.example", "王, 伟"], ""),
        Record(3, ["c@d.example", "line one\nline 二"], ""),
    ]


def test_latin_1_is_not_taken_for_chinese() -> None:
    data = "email;Prénom\njosé@b.example;Zoë Müller, élève à Besançon\n".encode("latin-1")
    assert detect(data) == Dialect("cp1252", ";", header=True)


def test_a_few_spoilt_bytes_do_not_change_the_guess() -> None:
    data = ("email,名\n" + "a@b.example,王伟\n" * 50).encode() + b"x@y.example,\xff\n"
    assert detect(data).encoding == "utf-8"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter(delimiter: str) -> None:
    lines = ["email", "name", "note"], ["a@b.example", "x, y; z", "1|2"], ["c@d.example", "", ""]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(lines)
    assert detect(out.getvalue().encode()) == Dialect("utf-8", delimiter, header=True)


def test_no_header() -> None:
    assert not detect(b"a@b.example,Ann\nc@d.example,Bob\n").header
    assert detect(b"email\n").header
    assert not detect(b"a@b.example\nc@d.example\n").header


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"PK\x03\x04xl/rest", "workbook"),
        (b"%PDF-1.7", "PDF"),
        (b" \r\n", "empty"),
        (b"", "empty"),
    ],
)
def test_what_is_no_csv_says_so(data: bytes, word: str) -> None:
    with pytest.raises(NotCsvError, match=word):
        detect(data)


def test_rows_of_any_width_and_blank_ones() -> None:
    data = b"email,a,b\n\nx@y.example\n,,\nz@y.example,1,2,3,4\n\n"
    reader = CsvReader(Bytes(data), Dialect())
    assert [(r.line, r.cells) for r in reader] == [
        (1, ["email", "a", "b"]),
        (3, ["x@y.example"]),
        (5, ["z@y.example", "1", "2", "3", "4"]),
    ]
    assert reader.blank == 3


def test_nul_bytes_are_dropped() -> None:
    assert rows_of(b"a\0b@c.example,\0\n") == [["ab@c.example", ""]]


@pytest.mark.parametrize(
    ("encoding", "spoilt"),
    [
        ("utf-8", b"x@y.example,\xff\xfe"),
        ("utf-8", b"x@y.example,\xe4\xbd"),
        ("gb18030", b"x@y.example,\x81"),
        ("gb18030", b"x@y.example,\xff,\xb0\xa1"),
        ("utf-16-le", "x@y.example,".encode("utf-16-le") + b"\x00\xd8"),
    ],
)
def test_bad_bytes_spoil_one_line(encoding: str, spoilt: bytes) -> None:
    wide = "utf-8" if encoding == "utf-8" else encoding
    before, after = "a@b.example,好\n".encode(wide), "\nc@d.example,好\n".encode(wide)
    records = list(CsvReader(Bytes(before + spoilt + after), Dialect(encoding)))
    assert [r.problem for r in records] == ["", "unreadable", ""]
    assert records[1].cells[0] == "x@y.example"
    assert "\ufffd" in "".join(records[1].cells)
    assert records[2] == Record(3, ["c@d.example", "好"], "")


def test_an_open_quote_spoils_one_line() -> None:
    data = b'email,note\na@b.example,"never closed\nc@d.example,x\ne@f.example,y\n'
    assert [(r.line, r.problem) for r in CsvReader(Bytes(data), Dialect())] == [
        (1, ""),
        (2, "open_quote"),
        (3, ""),
        (4, ""),
    ]


def test_an_open_quote_far_from_the_end_spoils_one_line() -> None:
    rest = b"".join(b"p%d@b.example,%s\n" % (n, b"x" * 50) for n in range(60_000))
    data = b'a@b.example,"never closed\n' + rest
    records = list(CsvReader(Bytes(data), Dialect()))
    assert records[0] == Record(1, ['a@b.example,"never closed'], "open_quote")
    assert len(records) == 60_001
    assert records[-1].line == 60_001


def test_a_cell_that_is_too_long_spoils_one_line() -> None:
    data = b"a@b.example,1\n" + b"x" * 200_000 + b"\nc@d.example,2\n"
    assert [(r.line, r.problem) for r in CsvReader(Bytes(data), Dialect())] == [
        (1, ""),
        (2, "cell_too_long"),
        (3, ""),
    ]


def test_a_file_without_any_line_end() -> None:
    records = list(CsvReader(Bytes(b"x" * (9 * PIECE)), Dialect()))
    assert {record.problem for record in records} == {"cell_too_long"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"])
@pytest.mark.parametrize("eol", ["\r\n", "\n", "\r"])
def test_every_place_is_a_place_to_go_on_from(encoding: str, eol: str) -> None:
    chance = random.Random(7)  # noqa: S311 - the same rows every time
    words = ["", "plain", "line one\nline two", "a\r\nb", 'say "hi"', "王伟", "😀 wide", "a,b;c"]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=eol, quoting=csv.QUOTE_ALL)
    for number in range(300):
        writer.writerow([f"p{number}@b.example", *chance.choices(words, k=3)])
        if number % 17 == 0:
            out.write(eol)
    data = out.getvalue().encode(encoding)
    dialect = detect(data)
    whole = list(CsvReader(Bytes(data), dialect))
    assert len(whole) == 300

    reader = CsvReader(Bytes(data), dialect)
    places = [reader.place for _ in reader]
    for number in range(0, 300, 7):
        assert list(CsvReader(Bytes(data), dialect, places[number])) == whole[number + 1 :]


def test_places_across_pieces() -> None:
    row = b'p%d@b.example,"' + b"x" * 900 + b'\nsecond line"\r\n'
    data = b"".join(row % n for n in range(4000))
    assert len(data) > 3 * PIECE
    reader = CsvReader(Bytes(data), Dialect())
    record = list(islice(reader, 2500))[-1]
    assert record.line == 2499 * 2 + 1
    rest = list(CsvReader(Bytes(data), Dialect(), reader.place))
    assert len(rest) == 1500
    assert rest[0].cells[0] == "p2500@b.example"
    assert rest[0].line == 5001


def test_place_at_the_end() -> None:
    reader = CsvReader(Bytes(b"a@b.example,1\nc@d.example,2"), Dialect())
    assert len(list(reader)) == 2
    assert reader.place == FilePosition(byte=27, line=3)
    assert list(CsvReader(Bytes(b"a@b.example,1\nc@d.example,2"), Dialect(), reader.place)) == []
