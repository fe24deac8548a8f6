"""Lines of a plain text while it is made from HTML. Pure."""

import re

from designs.marks import BEGIN

# What may not stand right behind the address of a link, as two buttons side by side do in HTML.
WORD = re.compile(f"[\\w({BEGIN}]")


class Lines:
    """Paragraphs with one blank line between them; preformatted lines stay as they are."""

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        # Preformatted lines, by number.
        self.kept: set[int] = set()
        self.preformatted = 0
        # A preformatted element's first line end is no line of its.
        self.at_begin = False
        # Where the address of the last link, and the mark of the last item, ended.
        self.address_end = (-1, -1)
        self.mark_end = (-1, -1)

    @property
    def is_preformatted(self) -> bool:
        return self.preformatted > 0

    def place(self) -> tuple[int, int]:
        return len(self.lines) - 1, len(self.lines[-1])

    def add(self, words: str) -> None:
        """Words with single blanks."""
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
        """One without words has a line, too."""
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
        """Never more than one blank line."""
        if self._is_mark():
            return
        self.end_line()
        if len(self.lines) > 1 and self.lines[-2].strip():
            self.lines.append("")

    def _is_mark(self) -> bool:
        """A block that an item begins with stands beside the item's mark."""
        return self.mark_end == self.place()

    # -- Links

    def words_since(self, place: tuple[int, int]) -> str:
        line, column = place
        return "\n".join([self.lines[line][column:], *self.lines[line + 1 :]]).strip()

    def add_address(self, address: str) -> None:
        """Behind the link's words. Those of a block, as a button in a table, end a line before."""
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
