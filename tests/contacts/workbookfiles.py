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
    stream = _book(len(_book(0))) + sheet + _record(0x0A)
    return _compound(stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0"))


def _record(kind: int, data: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def _begin(kind: int) -> bytes:
    return _record(0x809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))


def _book(sheet_at: int) -> bytes:
    name = b"Sheet1"
    sheet = struct.pack("<IBBBB", sheet_at, 0, 0, len(name), 0) + name
    return _begin(5) + _record(0x85, sheet) + _record(0x0A)


def _compound(stream: bytes) -> bytes:
    """Sectors of 512 bytes: the header, the table of sectors, the directory, the stream."""
    table, end, free = 0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFF
    sectors = len(stream) // 512
    chain = [table, end, *range(3, sectors + 2), end]
    numbers = struct.pack("<128I", *chain, *[free] * (128 - len(chain)))
    directory = (
        _entry("Root Entry", 5, child=1, start=end, size=0)
        + _entry("Workbook", 2, child=free, start=2, size=len(stream))
        + _entry("", 0, child=free, start=0, size=0) * 2
    )
    header = struct.pack(
        "<8s16xHHHHH6x9I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6),
        *(0, 1, 1, 0, 4096, end, 0, end, 0),
    )
    return header + struct.pack("<109I", 0, *[free] * 108) + numbers + directory + stream


def _entry(name: str, kind: int, *, child: int, start: int, size: int) -> bytes:
    text = (name + "\0").encode("utf-16-le") if name else b""
    free = 0xFFFFFFFF
    return struct.pack(
        "<64sHBBIII36xIII", text, len(text), kind, 1, free, free, child, start, size, 0
    )
