"""Replaces Jinja tags by marks while the HTML around them is read. Pure."""

import re

from designs.markup import JINJA_OPEN, RAW_BLOCK, RAW_END, literal, split_jinja

# A private-use pair around the tag's number.
BEGIN, END = "\ue000", "\ue001"
KEYWORD = re.compile(r"\{%[-+]?\s*(\w+)")
MARK = re.compile(f"{BEGIN}(\\d+){END}")


class Marks:
    """The tags behind the marks of one source."""

    def __init__(self) -> None:
        self.tags: list[str] = []

    def hide(self, source: str) -> str:
        """The source with marks for its tags. Comments are removed; a raw block becomes text."""
        return "".join(
            self._hidden(piece) if is_jinja else self._without_jinja(piece)
            for piece, is_jinja in split_jinja(source)
        )

    def _hidden(self, piece: str) -> str:
        if piece.startswith("{#"):
            return ""
        if raw := RAW_BLOCK.match(piece):
            ends = list(RAW_END.finditer(piece))
            return piece[raw.end() : ends[-1].start() if ends else len(piece)].replace(BEGIN, "")
        return self.add(piece)

    def _without_jinja(self, piece: str) -> str:
        # A tag that never closes stays an error.
        return JINJA_OPEN.sub(lambda found: self.add(found[0]), piece.replace(BEGIN, ""))

    def add(self, tag: str) -> str:
        self.tags.append(tag)
        return f"{BEGIN}{len(self.tags) - 1}{END}"

    def statements(self, text: str) -> list[str]:
        """The marks of statements, such as `if`, in a text."""
        return [found[0] for found in MARK.finditer(text) if self.keyword(found[0])]

    def keyword(self, mark: str) -> str:
        """The keyword of a statement, such as "if"; "" for an expression."""
        found = KEYWORD.match(self.tags[int(mark[1:-1])])
        return found[1] if found else ""

    def matter(self, statements: list[str]) -> bool:
        """Whether other statements depend on these: they set a name, or their blocks open or close
        outside."""
        depth = 0
        for keyword in map(self.keyword, statements):
            if keyword == "set" or (keyword.startswith("end") and not depth):
                return True
            depth += keyword in {"if", "for", "with"}
            depth -= keyword.startswith("end")
        return depth > 0

    def show(self, text: str) -> str:
        """The text as a template, with its tags restored. Braces of the text itself stay text."""
        pieces, last = [], 0
        for found in MARK.finditer(text):
            pieces += [_before_tag(text[last : found.start()]), self.tags[int(found[1])]]
            last = found.end()
        return "".join([*pieces, literal(text[last:])])


def _before_tag(text: str) -> str:
    shown = literal(text)
    return f"{shown[:-1]}{{{{ '{{' }}}}" if shown.endswith("{") else shown
