"""How much a batch holds: rows, and the weight of their cells."""

from collections.abc import Iterable

import pytest

from contacts import batches
from contacts.batches import Batcher, RowBatch
from contacts.csvfile import PAUSE, Bytes, CsvReader, Dialect, FilePosition
from contacts.rows import Shaper

ROW_WEIGHT = 16 + batches.CELL + 40 * (100 + batches.CELL)


def batcher(data: bytes, *, columns: int = 1, start: FilePosition | None = None) -> Batcher:
    mapping = ["email", *(f"new:f{number}:text" for number in range(columns - 1))]
    reader = CsvReader(Bytes(data), Dialect(), start, pauses=True)
    header = 0 if start else 1
    return Batcher(reader, Shaper(mapping, []), header=header, mapping=mapping, size=20_000)


def wide(rows: int) -> bytes:
    """Each row weighs ROW_WEIGHT."""
    cells = ",".join(["x" * 100] * 40)
    lines = (f"{number:06}@b.example,{cells}\n" for number in range(rows))
    return f"email{',f' * 40}\n{''.join(lines)}".encode()


def rows(found: Iterable[RowBatch]) -> list[int]:
    return [batch.rows for batch in found]


def test_narrow_rows_fill_a_batch_by_their_number() -> None:
    data = b"email\n" + b"".join(b"%06d@b.example\n" % number for number in range(25_000))
    assert rows(batcher(data)) == [20_000, 5_000]


def test_wide_rows_fill_a_batch_by_their_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WEIGHT", 10 * ROW_WEIGHT)
    found = list(batcher(wide(25), columns=41))
    assert rows(found) == [10, 10, 5]
    assert [batch.weight for batch in found] == [10 * ROW_WEIGHT, 10 * ROW_WEIGHT, 5 * ROW_WEIGHT]
    assert all(batch.staged.tell() < 2 * batch.weight for batch in found)


def test_rejected_rows_weigh_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WEIGHT", 10 * ROW_WEIGHT)
    found = list(batcher(wide(25).replace(b"@", b"#"), columns=41))
    assert [batch.rejected for batch in found] == [10, 10, 5]


def test_a_wide_row_is_a_batch_however_heavy_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WEIGHT", 1)
    assert rows(batcher(wide(3), columns=41)) == [1, 1, 1]


def test_the_rest_begins_where_a_batch_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WEIGHT", 10 * ROW_WEIGHT)
    data = wide(25)
    first = batcher(data, columns=41).next()
    assert first
    rest = list(batcher(data, columns=41, start=first.after))
    assert rows(rest) == [10, 5]
    assert rest[0].staged.getvalue().startswith("12\t000010@b.example\t")


@pytest.mark.parametrize("line", [b"\n", b",,,,,,\n"])
def test_a_part_without_content_ends_a_batch(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    monkeypatch.setattr(batches, "WEIGHT", 2 * PAUSE)
    lines = 5 * PAUSE // len(line)
    found = list(batcher(b"email\na@b.example\n" + line * lines + b"c@d.example\n"))
    assert len(found) > 1
    assert sum(rows(found)) == 2
    assert sum(batch.blank for batch in found) == lines


def test_a_caller_may_ask_for_less() -> None:
    some = batcher(wide(25), columns=41)
    asked = [some.next(rows=3), some.next(weight=2 * ROW_WEIGHT), some.next(), some.next()]
    assert [batch.rows if batch else None for batch in asked] == [3, 2, 20, None]


def test_the_first_batches_are_bounded_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "WEIGHT", 10 * ROW_WEIGHT)

    def first(**most: int | None) -> list[int]:
        return rows(batcher(wide(25), columns=41).first(**{"rows": None, "weight": None} | most))

    assert first() == [10, 10, 5]
    assert first(rows=12) == [10, 2]
    assert first(weight=13 * ROW_WEIGHT) == [10, 3]
    assert first(rows=4, weight=13 * ROW_WEIGHT) == [4]
