"""The one text file of a ZIP archive, and archives that are refused."""

import io
import struct
import zipfile
from collections.abc import Mapping

import pytest

from contacts import archives
from contacts.csvdetect import NotCsvError

LINES = b"email,name\na@x.example,Ann\n"


def archive(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, data in files.items():
            # Without the time of day: the bytes are part of names of tests.
            made.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def unpacked(data: bytes) -> bytes:
    return b"".join(archives.unpacked(io.BytesIO(data), limit=1 << 30))


def refused(data: bytes) -> str:
    with pytest.raises(NotCsvError) as error:
        unpacked(data)
    return error.value.kind


@pytest.mark.parametrize(
    "files",
    [
        {"people.csv": LINES},
        {"export/": b"", "export/people.TSV": LINES},
        {"people.csv": LINES, "__MACOSX/._people.csv": b"\0\x05\x16\x07", ".DS_Store": b"\0\0\0\1"},
        {"people.csv": LINES, "read me.pdf": b"%PDF-1.7"},
        {"people": LINES},
        {"../../etc/people.csv": LINES},
        {"/客户.csv": LINES},
    ],
)
def test_the_one_text_file(files: dict[str, bytes]) -> None:
    assert unpacked(archive(files)) == LINES
    assert unpacked(archive(files, zipfile.ZIP_STORED)) == LINES


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({}, "zip_empty"),
        ({"export/": b"", ".DS_Store": b"x"}, "zip_empty"),
        ({"a.csv": LINES, "b.csv": LINES}, "zip_several"),
        ({"a.pdf": b"%PDF", "b.pdf": b"%PDF"}, "zip_several"),
        ({f"{n}.csv": b"" for n in range(archives.MOST_ENTRIES + 1)}, "zip_several"),
    ],
)
def test_which_file_is_meant_must_be_clear(files: dict[str, bytes], kind: str) -> None:
    assert refused(archive(files)) == kind


def test_a_directory_that_is_too_large_is_not_read() -> None:
    files = {f"{n}{'x' * 500}.csv": b"" for n in range(600)}
    assert refused(archive(files)) == "zip_several"


def test_passwords_and_rare_methods() -> None:
    plain = archive({"people.csv": LINES})
    place = plain.index(b"PK\x01\x02")
    (flags,) = struct.unpack_from("<H", plain, place + 8)
    locked = bytearray(plain)
    struct.pack_into("<H", locked, place + 8, flags | 1)
    assert refused(bytes(locked)) == "zip_encrypted"
    assert refused(archive({"people.csv": LINES}, zipfile.ZIP_LZMA)) == "zip"


@pytest.mark.parametrize("cut", [4, 30, 60, 120])
def test_damaged_archives(cut: int) -> None:
    assert refused(archive({"people.csv": LINES * 50})[:cut]) == "zip_broken"


def test_spoilt_content() -> None:
    whole = archive({"people.csv": LINES * 50})
    place = whole.index(b"people.csv") + 10
    assert refused(whole[:place] + b"\xff" * 8 + whole[place + 8 :]) == "zip_broken"


def test_a_bomb_is_unpacked_piece_by_piece() -> None:
    bomb = archive({"people.csv": bytes(32 * 1024 * 1024)})
    assert len(bomb) < 64 * 1024
    first = next(archives.unpacked(io.BytesIO(bomb), limit=1 << 30))
    assert len(first) <= archives.PIECE


def test_a_file_that_says_it_is_too_large_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = archive({"people.csv": LINES})
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(NotCsvError) as error:
        next(archives.unpacked(io.BytesIO(data), limit=len(LINES) - 1))
    assert error.value.kind == "zip_too_large"


def test_a_file_that_unpacks_to_very_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = archive({"people.csv": bytes(900_000)})
    assert len(unpacked(bomb)) == 900_000  # small files may pack as they like
    monkeypatch.setattr(archives, "RATIO_FROM", 100_000)
    assert refused(bomb) == "zip_ratio"
    assert unpacked(archive({"people.csv": LINES})) == LINES
