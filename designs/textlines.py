"""The lines of a plain text that is being made from HTML. Pure."""

import re

from designs.marks import BEGIN

# Text that needs a blank after the URL of a link: in HTML two buttons may stand side by side.
WORD = re.compile(f"[\\w({BEGIN}]")


class Lines:
    """Paragraphs with one blank line between them; preformatted lines stay as they are."""

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        # Preformatted lines, by number.
        self.kept: set[int] = set()
        self.preformatted = 0
        # At the start of a preformatted element, whose first line end is ignored.
        self.at_begin = False
        # The places where the URL of the last link and the mark of the last list item ended.
        self.address_end = (-1, -1)
        self.mark_end = (-1, -1)

    @property
    def is_preformatted(self) -> bool:
        return self.preformatted > 0

    def place(self) -> tuple[int, int]:
        return len(self.lines) - 1, len(self.lines[-1])

    def add(self, words: str) -> None:
        """Adds text that has single blanks only."""
        line = self.lines[-1]
        if not line or line.endswith(" "):
            words = words.lstrip(" ")
        elif self.address_end == self.place() and WORD.match(words):
            words = f" {words}"
        self.lines[-1] = line + words

    def add_mark(self, mark: str) -> None:
        """Begins a list's item."""
        self.lines[-1] += mark
        self.mark_end = self.place()

    def end_item(self) -> None:
        """Ends a list item. An item without words keeps its line."""
        self.mark_end = (-1, -1)

    def end_cell(self) -> None:
        if self.lines[-1] and not self.lines[-1].endswith(" "):
            self.lines[-1] += " "

    def end_line(self, *, force: bool = False) -> None:
        if self._is_mark():
            return
        if self.lines[-1].strip() or force:
            self.lines.append("")

    def end_paragraph(self) -> None:
        """Ends a paragraph with exactly one blank line."""
        if self._is_mark():
            return
        self.end_line()
        if len(self.lines) > 1 and self.lines[-2].strip():
            self.lines.append("")

    def _is_mark(self) -> bool:
        """Whether the line has only an item's mark: a block at the start of an item stays beside
        the mark."""
        return self.mark_end == self.place()

    # -- Links

    def words_since(self, place: tuple[int, int]) -> str:
        line, column = place
        return "\n".join([self.lines[line][column:], *self.lines[line + 1 :]]).strip()

    def add_address(self, address: str) -> None:
        """Adds the URL after the link's words. The words of a block, such as a button in a table,
        end on an earlier line."""
        while len(self.lines) > 1 and not self.lines[-1].strip():
            self.lines.pop()
        self.lines[-1] = f"{self.lines[-1].rstrip()} ({address})"
        self.end_address()

    def replace_since(self, place: tuple[int, int], address: str) -> None:
        line, column = place
        if not self.lines[line][column:].strip():
            # The words of a block are on a later line.
            later = range(line + 1, len(self.lines))
            line = next((number for number in later if self.lines[number].strip()), line)
            column = column if line == place[0] else 0
        del self.lines[line + 1 :]
        self.lines[line] = self.lines[line][:column]
        self.add(address)
        self.end_address()

    def end_address(self) -> None:
        self.address_end = self.place()

    # -- Preformatted lines

    def begin_preformatted(self) -> None:
        self.preformatted += 1
        self.at_begin = True

    def end_preformatted(self) -> None:
        self.preformatted -= 1

    def add_preformatted(self, words: str) -> None:
        words = words.replace("\r\n", "\n").replace("\r", "\n")
        if self.at_begin:
            words = words.removeprefix("\n")
            self.at_begin = False
        first, *others = words.replace("\u00a0", " ").split("\n")
        self.lines[-1] += first
        for line in others:
            self.kept.add(len(self.lines) - 1)
            self.lines.append(line)

    def text(self) -> str:
        made: list[str] = []
        for number, line in enumerate(self.lines):
            words = line.rstrip()
            if words or number in self.kept or (made and made[-1]):
                made.append(words)
        return "\n".join(made).strip("\n")
