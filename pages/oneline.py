"""Text of one line: names, subjects, labels. One rule for forms, tables, imports and headers. Pure.

Line breaks and control characters become one space, so words on two lines stay two words. Marks
that change the direction of text are removed: they can disguise a name, and they affect the text
around it. Everything else stays as typed: joiners (families, Persian), tag characters (the flag of
England), variation selectors, ideographic and no-break spaces.
"""

import re

# ASCII spaces, controls (VT, FF and NEL among them), line and paragraph separators.
BLANK = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# Bidi embeddings, overrides and isolates; the byte-order mark; lone surrogates, which can't be
# encoded.
DROPPED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text on one line, without spaces at its ends. Never raises; safe in a header."""
    if text.isprintable():
        # The fast path for most texts: the only printable space is the blank, and no printable
        # character is removed.
        if "  " in text or text[:1] == " " or text[-1:] == " ":
            return " ".join(text.split())
        return text
    return BLANK.sub(" ", DROPPED.sub("", text)).strip()
