"""Lines about who must not be mailed. Doubt never suppresses."""

import datetime as dt

import pytest

from contacts.suppressionlines import (
    MOST_BYTES,
    Entry,
    FileLine,
    LinesError,
    ReadLines,
    entry_of,
    read_file,
    said,
)

TODAY = dt.date(2027, 3, 1)


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Ann <A@B.example>", Entry("address", "a@b.example")),
        ("a@b.example,", Entry("address", "a@b.example")),
        ("@b.example", Entry("domain", "b.example")),
        ("Bücher.example", Entry("domain", "xn--bcher-kva.example")),
        ("*@b.example", Entry("domain", "b.example")),
        ("*.b.example", Entry("pattern", "*@*.b.example")),
    ],
)
def test_entries(text: str, entry: Entry) -> None:
    assert entry_of(text) == entry
    assert bool(entry.like_text) == (entry.kind == "pattern")


def read(text: str) -> ReadLines:
    return read_file(text.encode(), today=TODAY)


def test_a_plain_list() -> None:
    found = read("a@b.example\nb.example\n*@*.c.example\nA@b.example\nnobody\n*@*\n\n")
    assert [one.entry.value for one in found.lines] == ["a@b.example", "b.example", "*@*.c.example"]
    assert {one.reason for one in found.lines} == {""}
    assert [(line, why) for line, _text, why in found.problems] == [
        (5, "domain_no_dot"),
        (6, "pattern_everybody"),
    ]
    assert all(said(why).endswith(".") for _line, _text, why in found.problems)


def test_a_file_with_reasons() -> None:
    found = read(
        "Email;Reason;Until;Note\n"
        "a@x.example;Hard bounce;;old\n"
        "b@x.example;unsubscribed;2027-03-31;\n"
        "c@x.example;complained;;\n"
        "d@x.example;soft_bounced;;\n"
        "e@x.example;;;\n"
        "f@x.example;gray list;;\n"
        "g@x.example;gray list;;\n"
        "h@x.example;subscribed;;\n"
        "i@x.example;bounced;2027-02-28;\n"
        "j@x.example;bounced;3/4/2027;\n"
        ";bounced;;\n"
    )
    assert found.lines[0] == FileLine(
        2, Entry("address", "a@x.example"), "hard_bounced", note="old"
    )
    assert {one.entry.value[0]: (one.reason, one.until) for one in found.lines} == {
        "a": ("hard_bounced", ""),
        "b": ("unsubscribed", "2027-03-31"),
        "c": ("complained", ""),
        "d": ("soft_bounced", ""),
        "e": ("", ""),
        "f": ("", ""),
        "g": ("", ""),
    }
    assert found.words == {"graylist": ["gray list", 2]}
    assert [one.word for one in found.lines] == [""] * 5 + ["graylist"] * 2
    assert [why for _line, _text, why in found.problems] == [
        *("wanted", "until_past", "until", "no_domain"),
    ]
    assert ReadLines.from_json(found.as_json()) == found


def test_lifted_and_erased_rows_of_an_export_are_left_out() -> None:
    found = read(
        "Address or domain,status,lifted_at,kind\n"
        "a@x.example,suppressed,2027-01-01T00:00:00+00:00,address\n"
        ",erased,,erased\n"
        "b@x.example,suppressed,,address\n"
    )
    assert [one.entry.value for one in found.lines] == ["b@x.example"]
    assert [why for _line, _text, why in found.problems] == ["lifted", "erased"]


def test_too_many_different_words_are_left_out() -> None:
    lines = "".join(f"a{n}@x.example,thing{n}\n" for n in range(60))
    found = read(f"email,reason\n{lines}")
    assert (len(found.words), len(found.lines), found.left_out) == (50, 50, 10)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing in this file"),
        (b" " * (MOST_BYTES + 1), "larger than 2 MB"),
        (b"a@x.example\n" * 20_002, "more than 20,000 lines"),
        (b"%PDF-1.7 ...", "PDF"),
    ],
)
def test_files_that_can_not_be_used(data: bytes, words: str) -> None:
    with pytest.raises(LinesError, match=words):
        read_file(data, today=TODAY)


def test_a_file_that_excel_wrote_in_china() -> None:
    data = "邮箱,原因\r\na@x.example,退订\r\nb@x.example,不知道\r\n".encode("gb18030")
    found = read_file(data, today=TODAY)
    assert [(one.entry.value, one.reason) for one in found.lines] == [
        ("a@x.example", "unsubscribed"),
        ("b@x.example", ""),
    ]
    assert list(found.words.values()) == [["不知道", 1]]
