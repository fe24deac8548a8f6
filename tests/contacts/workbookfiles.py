"""Minimal workbooks for tests, written by hand: .xlsx, .ods and .xls."""

import datetime as dt
import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
# Formats of cells: 0 General, 1 date, 2 date and time, 3 time of day, 4 hours beyond 24.
STYLES = f"""<styleSheet xmlns="{MAIN}"><numFmts count="4">
<numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>
<numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/>
<numFmt numFmtId="166" formatCode="hh:mm"/><numFmt numFmtId="167" formatCode="[h]:mm"/></numFmts>
<fonts count="1"><font/></fonts><fills count="1"><fill/></fills>
<borders count="1"><border/></borders>
<cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="165"/><xf numFmtId="166"/>
<xf numFmtId="167"/></cellXfs></styleSheet>"""
EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - sheets know no zones


@dataclass(frozen=True)
class Raw:
    """A cell as XML: its attributes and what is in it."""

    attributes: str
    content: str


ERROR = Raw('t="e"', "<v>#N/A</v>")
Cell = None | str | float | bool | dt.date | dt.time | dt.timedelta | Raw


def formula(text: str, value: str) -> Raw:
    """A formula with its stored value, a text."""
    return Raw('t="str"', f"<f>{escape(text)}</f><v>{escape(value)}</v>")


def xlsx(
    sheets: Mapping[str, Mapping[int, Sequence[Cell]]], *, hidden: Sequence[str] = ()
) -> bytes:
    """A workbook of {sheet: {row number: cells}}."""
    names = list(sheets)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}" '
            f'state="{"hidden" if name in hidden else "visible"}"/>'
            for n, name in enumerate(names, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            [("worksheet", f"worksheets/sheet{n}.xml") for n in range(1, len(names) + 1)]
            + [("styles", "styles.xml")]
        ),
        "xl/styles.xml": STYLES,
    }
    for number, rows in enumerate(sheets.values(), 1):
        parts[f"xl/worksheets/sheet{number}.xml"] = _sheet(rows)
    return packed(parts)


def packed(parts: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        for name, text in parts.items():
            # Without the time of day: the bytes are part of names of tests.
            made.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for n, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>'


def _sheet(rows: Mapping[int, Sequence[Cell]]) -> str:
    lines = []
    for row, cells in rows.items():
        written = "".join(
            _cell(f"{_letters(column)}{row}", cell)
            for column, cell in enumerate(cells)
            if cell is not None
        )
        lines.append(f'<row r="{row}">{written}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def _letters(column: int) -> str:
    first, last = divmod(column, 26)
    return (_letters(first - 1) if first else "") + chr(65 + last)


def _cell(place: str, cell: Cell) -> str:
    attributes, content = _written(cell)
    return f'<c r="{place}" {attributes}>{content}</c>'


def _written(cell: Cell) -> tuple[str, str]:  # noqa: PLR0911 - one for each type
    if isinstance(cell, Raw):
        return cell.attributes, cell.content
    if isinstance(cell, bool):
        return 't="b"', f"<v>{int(cell)}</v>"
    if isinstance(cell, str):
        return 't="inlineStr"', f'<is><t xml:space="preserve">{escape(cell)}</t></is>'
    if isinstance(cell, dt.datetime):
        return 's="2"', f"<v>{(cell - EPOCH) / dt.timedelta(days=1)!r}</v>"
    if isinstance(cell, dt.date):
        return 's="1"', f"<v>{(cell - EPOCH.date()).days}</v>"
    if isinstance(cell, dt.time):
        return 's="3"', f"<v>{(cell.hour * 60 + cell.minute) / 1440!r}</v>"
    if isinstance(cell, dt.timedelta):
        return 's="4"', f"<v>{cell / dt.timedelta(days=1)!r}</v>"
    return "", f"<v>{cell!r}</v>"


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    """A LibreOffice sheet of texts."""
    lines = "".join(
        "<table:table-row>"
        + "".join(
            '<table:table-cell office:value-type="string"><text:p>'
            f"{escape(cell)}</text:p></table:table-cell>"
            for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return packed(
        {
            "mimetype": kind,
            "META-INF/manifest.xml": '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:'
            'opendocument:xmlns:manifest:1.0"><manifest:file-entry manifest:full-path="/" '
            f'manifest:media-type="{kind}"/></manifest:manifest>',
            "content.xml": f"<office:document-content{spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="Sheet1">{lines}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )


def xls(rows: Mapping[int, Sequence[str | float]]) -> bytes:
    """An old workbook of {row number: cells}: records of BIFF8 in a compound file."""
    sheet = _begin(0x10)
    for row, cells in rows.items():
        for column, cell in enumerate(cells):
            place = struct.pack("<HHH", row - 1, column, 0)
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                sheet += _record(0x204, place + text)
            else:
                sheet += _record(0x203, place + struct.pack("<d", cell))
    return _compound({"Workbook": _book(len(_book(0))) + sheet + _record(0x0A)})


def xls_with_password(*, method: int = 1, protected: bool = False) -> bytes:
    """An old workbook whose records are encrypted from FilePass on (MS-XLS 2.4.117: method 1 is RC4
    and 0 is XOR), perhaps after WriteProtect."""
    key = struct.pack("<HHH", method, 1, 1) + bytes(range(48))
    records = _begin(5) + (_record(0x86) if protected else b"") + _record(0x2F, key)
    return _compound({"Workbook": records + bytes(range(256)) * 8})


def xlsx_with_password() -> bytes:
    """What Excel writes for a workbook with a password: an encrypted package in a compound file
    (MS-OFFCRYPTO 2.3.4.10)."""
    described = (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><encryption '
        'xmlns="http://schemas.microsoft.com/office/2006/encryption"><keyData saltSize="16" '
        'blockSize="16" keyBits="256" hashSize="64" cipherAlgorithm="AES" '
        'cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="AAAA"/></encryption>'
    )
    info = struct.pack("<HHI", 4, 4, 0x40) + described.encode()
    package = struct.pack("<Q", 8000) + bytes(range(256)) * 32
    return _compound({"EncryptedPackage": package, "EncryptionInfo": info})


def xlsb(rows: Sequence[Sequence[str]]) -> bytes:
    """A binary workbook (MS-XLSB) of texts."""
    book = (
        _part(0x83)
        + _part(0x8F)
        + _part(0x9C, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("Sheet1"))
        + _part(0x90)
        + _part(0x84)
    )
    width = max(map(len, rows))
    size = struct.pack("<IIII", 0, len(rows) - 1, 0, width - 1)
    sheet = _part(0x81) + _part(0x94, size) + _part(0x91)
    for number, cells in enumerate(rows):
        sheet += _part(0x00, struct.pack("<I", number) + bytes(21))
        for column, text in enumerate(cells):
            sheet += _part(0x06, struct.pack("<II", column, 0) + _wide(text))
    sheet += _part(0x92) + _part(0x82)
    out = io.BytesIO()
    links = _relations([("worksheet", "worksheets/sheet1.bin")])
    with zipfile.ZipFile(out, "w") as made:
        for name, data in {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>'.encode(),
            "_rels/.rels": _relations([("officeDocument", "xl/workbook.bin")]).encode(),
            "xl/workbook.bin": book,
            "xl/_rels/workbook.bin.rels": links.encode(),
            "xl/worksheets/sheet1.bin": sheet,
        }.items():
            made.writestr(zipfile.ZipInfo(name), data)
    return out.getvalue()


def _part(kind: int, data: bytes = b"") -> bytes:
    """A record: kind and size in groups of seven bits."""
    size, left = b"", len(data)
    while left >= 0x80:
        size += bytes((left & 0x7F | 0x80,))
        left >>= 7
    return (bytes((kind, 1)) if kind >= 0x80 else bytes((kind,))) + size + bytes((left,)) + data


def _wide(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _begin(kind: int) -> bytes:
    return _record(0x809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def _book(sheet_at: int) -> bytes:
    name = b"Sheet1"
    sheet = struct.pack("<IBBBB", sheet_at, 0, 0, len(name), 0) + name
    return _begin(5) + _record(0x85, sheet) + _record(0x0A)


def _compound(streams: Mapping[str, bytes]) -> bytes:
    """Sectors of 512 bytes: the header, the table of sectors, the directory, up to three streams,
    each filled up to 4,096 bytes so that it stands in sectors of its own."""
    table, end, free = 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF
    chain, content = [table, end], b""
    directory = _entry("Root Entry", 5, child=1, start=end, size=0)
    for number, (name, data) in enumerate(streams.items(), 1):
        filled = data.ljust(max(4096, -(-len(data) // 512) * 512), b"\0")
        first = len(chain)
        chain += [*range(first + 1, first + len(filled) // 512), end]
        right = number + 1 if number < len(streams) else free
        directory += _entry(name, 2, right=right, start=first, size=len(filled))
        content += filled
    directory += _entry("", 0, start=0, size=0) * (3 - len(streams))
    numbers = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))
    header = struct.pack(
        "<8s16xHHHHH6x9I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, end, 0, end, 0),
    )
    return header + struct.pack("<109I", 0, *[free] * 108) + numbers + directory + content


def _entry(
    name: str,
    kind: int,
    *,
    start: int,
    size: int,
    child: int = 0xFFFFFFFF,
    right: int = 0xFFFFFFFF,
) -> bytes:
    text = (name + "\0").encode("utf-16-le") if name else b""
    left = 0xFFFFFFFF
    return struct.pack(
        "<64sHBBIII36xIII", text, len(text), kind, 1, left, right, child, start, size, 0
    )
