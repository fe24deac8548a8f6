"""A plain document as PDF: headings and paragraphs on pages of A4, in any script (`pdftext`)."""

from typing import IO

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

from pages import pdftext

WIDTH, HEIGHT = A4
# FOOT: where the text ends; the line with the page's number is below it.
MARGIN, FOOT = 50.0, 45.0
LEADING = 1.4
# Shades of grey.
BLACK, GREY = 0.0, 0.4
# Characters of one text. Longer ones end with "…".
LONGEST = 20_000


class Document:
    """Written from the top to the bottom, page by page. `has_names`: something is written by its
    Unicode name, since no font has it."""

    def __init__(self, out: IO[bytes], *, title: str, subject: str, language: str) -> None:
        self.has_names = False
        self._foot = title
        self._canvas = Canvas(out, pagesize=A4, lang=language)
        self._canvas.setTitle(title)
        self._canvas.setSubject(subject)
        self._y = HEIGHT - MARGIN

    def title(self, text: str) -> None:
        self._write(text, size=17.0, before=0.0)

    def heading(self, text: str) -> None:
        """With room for two lines below it."""
        if self._y < FOOT + MARGIN:
            self._next_page()
        self._write(text, size=12.5, before=14.0)

    def text(
        self, text: str, *, indent: float = 0.0, small: bool = False, gap: float = 3.0
    ) -> None:
        self._write(
            text,
            size=8.0 if small else 9.5,
            before=gap,
            indent=indent,
            grey=GREY if small else BLACK,
        )

    def finish(self) -> None:
        self._end_page()
        self._canvas.save()

    def _write(
        self, text: str, *, size: float, before: float, indent: float = 0.0, grey: float = BLACK
    ) -> None:
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}…"
        self._y -= before
        for paragraph in text.splitlines() or [""]:
            shown, has_names = pdftext.readable(paragraph.replace("\t", " "))
            self.has_names |= has_names
            for line in pdftext.lines(shown, size, WIDTH - 2 * MARGIN - indent):
                if self._y - size * LEADING < FOOT:
                    self._next_page()
                self._y -= size * LEADING
                self._line(line, (MARGIN + indent, self._y), size, grey)

    def _line(self, line: str, place: tuple[float, float], size: float, grey: float) -> None:
        written = self._canvas.beginText(*place)
        written.setFillGray(grey)
        for font, piece in pdftext.runs(line):
            written.setFont(font, size)
            written.textOut(piece)
        self._canvas.drawText(written)

    def _next_page(self) -> None:
        self._end_page()
        self._y = HEIGHT - MARGIN

    def _end_page(self) -> None:
        shown, _has_names = pdftext.readable(f"{self._foot} · {self._canvas.getPageNumber()}")
        line = pdftext.lines(shown, 7.5, WIDTH - 2 * MARGIN)[0]
        self._line(line, (MARGIN, FOOT - 12), 7.5, GREY)
        self._canvas.showPage()
