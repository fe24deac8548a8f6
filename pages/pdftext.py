"""Lines of text for a PDF, in any script. Pure.

Latin, Greek, Cyrillic and Arabic letters are those of DejaVu Sans, which is in the file. Chinese,
Japanese and Korean ones are in fonts that each reader of PDF brings along (ISO 32000-1, 9.7.5.2:
predefined CMaps), so that no font of megabytes is needed. What no font has is written by its
Unicode name between ‹ and ›: a person can read it, and nothing is left out.

reportlab places glyphs from left to right and joins none. So this module chooses the forms of
Arabic letters (Unicode, chapter 9.2) and the order of a line (UAX 9, without explicit levels).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, HAN, TRADITIONAL, JAPANESE, KOREAN = (
    "DejaVuSans",
    "STSong-Light",
    "MSung-Light",
    "HeiseiMin-W3",
    "HYSMyeongJo-Medium",
)
# {font: the encoding whose characters it has}, in the order in which they are asked.
WIDE = {HAN: "gbk", TRADITIONAL: "big5", JAPANESE: "shift_jis", KOREAN: "euc_kr"}
FILE = Path(__file__).parent / "fonts" / "DejaVuSans.ttf"
# Words of Unicode names that stand before the name of a sign itself.
KINDS = (" LETTER ", " VOWEL SIGN ", " CHARACTER ", " SYLLABLE ", " DIGIT ", " SIGN ")
MIRRORED = dict(zip("()[]{}<>«»‹›", ")(][}{><»«›‹", strict=True))
TATWEEL, LAM, NON_JOINER = "\u0640", "\u0644", "\u200c"
# Hebrew, Arabic and what is written like them; also the forms of `shaped`.
RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# The ligatures that each text needs.
LAM_ALEF = {LAM + alef for alef in "\u0622\u0623\u0625\u0627"}

# A character with the marks on it.
Cluster = str


@cache
def _fonts() -> frozenset[int]:
    """Registers the fonts; the code points that DejaVu Sans has."""
    font = TTFont(PLAIN, str(FILE))
    pdfmetrics.registerFont(font)
    for name in WIDE:
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return frozenset(font.face.charWidths)


@cache
def font_of(char: str) -> str:
    """The font that has the character; "" if none has it."""
    known = _fonts()
    if ord(char) > 0xFFFF:  # no predefined font has it, and reportlab can't say what it means
        return ""
    is_wide = unicodedata.east_asian_width(char) in {"W", "F"}
    if not is_wide and ord(char) in known:
        return PLAIN
    for name, encoding in WIDE.items():
        try:
            char.encode(encoding)
        except UnicodeEncodeError:
            continue
        return name
    return PLAIN if ord(char) in known else ""


@cache
def width_of(char: str) -> float:
    """For a size of 1."""
    return float(pdfmetrics.stringWidth(char, font_of(char) or PLAIN, 1))


def readable(text: str) -> tuple[str, bool]:
    """The text with names instead of characters that no font has; whether there are any. Control
    and format characters, which show nothing, are left out."""
    if text.isascii() and text.isprintable():
        return text, False
    kept = [
        char
        for char in unicodedata.normalize("NFC", text)
        if char == NON_JOINER or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
    ]
    if all(char == NON_JOINER or font_of(char) for char in kept):
        return "".join(kept), False
    return "".join(_with_names(kept)), True


def _with_names(chars: Sequence[str]) -> Iterator[str]:
    inside = False
    for char in chars:
        is_named = char != NON_JOINER and not font_of(char)
        if is_named:
            yield (" " if inside else "‹") + _name(char)
        elif inside:
            yield "›"
        if not is_named:
            yield char
        inside = is_named
    if inside:
        yield "›"


def _name(char: str) -> str:
    name = unicodedata.name(char, "")
    if not name or "IDEOGRAPH-" in name:
        return f"U+{ord(char):04X}"
    for kind in KINDS:
        if kind in name:
            return name.split(kind, 1)[1].lower()
    return name.lower()


# Arabic ------------------------------------------------------------------------------------------


@cache
def _forms() -> dict[str, dict[str, str]]:
    """{letter, or lam with an alef: {isolated, final, initial or medial: its form}}"""
    found: dict[str, dict[str, str]] = {}
    for number in (*range(0xFB50, 0xFE00), *range(0xFE70, 0xFF00)):
        kind, *codes = unicodedata.decomposition(chr(number)).split() or [""]
        base = "".join(chr(int(code, 16)) for code in codes)
        is_form = kind.strip("<>") in {"isolated", "final", "initial", "medial"}
        if is_form and (len(base) == 1 or base in LAM_ALEF):
            found.setdefault(base, {})[kind.strip("<>")] = chr(number)
    return found


def shaped(text: str) -> str:
    """Each Arabic letter in the form that it has beside its neighbours, in the order of reading."""
    if not RIGHT_TO_LEFT.search(text):
        return text.replace(NON_JOINER, "")
    made: list[str] = []
    joins = False  # whether the letter before joins the next one
    place = 0
    while place < len(text):
        char = text[place]
        if unicodedata.combining(char):
            made.append(char)
            place += 1
            continue
        following = _next_letter(text, place)
        base = char + following if char + following in LAM_ALEF else char
        forms = _forms().get(base, {})
        after = "" if base != char else following
        goes_on = "initial" in forms and (after == TATWEEL or "final" in _forms().get(after, {}))
        made.append(_form(base, forms, before=joins and "final" in forms, goes_on=goes_on))
        joins = char == TATWEEL or (base == char and "initial" in forms)
        place = text.index(following, place + 1) + 1 if base != char else place + 1
    return "".join(made).replace(NON_JOINER, "")


def _next_letter(text: str, place: int) -> str:
    return next((char for char in text[place + 1 :] if not unicodedata.combining(char)), "")


def _form(base: str, forms: dict[str, str], *, before: bool, goes_on: bool) -> str:
    kind = {(False, False): "isolated", (True, False): "final"}.get(
        (before, goes_on), "medial" if before else "initial"
    )
    form = forms.get(kind, base)
    return form if all(font_of(char) == PLAIN for char in form) else base


# Lines -------------------------------------------------------------------------------------------


def lines(text: str, size: float, width: float) -> list[str]:
    """The text, which `readable` made, in lines of at most this width, each in the order in which
    its glyphs stand from left to right."""
    paragraph = shaped(text)
    base = _base(paragraph)
    return [_ordered(line, base) for line in _wrapped(paragraph, width / size)]


def _wrapped(text: str, width: float) -> Iterator[str]:
    """Breaks after spaces and beside wide characters; a word that is too long anywhere."""
    begin, used, after = 0, 0.0, 0  # `after`: where the line may end
    place = 0
    while place < len(text):
        char = text[place]
        used += width_of(char)
        if used > width and place > begin and char != " ":
            end = after if after > begin else place
            yield text[begin:end].rstrip(" ")
            begin = place = end
            used, after = 0.0, end
            continue
        if char == " " or any(font_of(one) in WIDE for one in text[place : place + 2]):
            after = place + 1
        place += 1
    if begin < len(text) or not text:
        yield text[begin:].rstrip(" ")


def _direction(char: str) -> str:
    kind = unicodedata.bidirectional(char)
    return {"L": "L", "R": "R", "AL": "R", "EN": "N", "AN": "N"}.get(kind, "")


def _base(text: str) -> int:
    """The level of the paragraph, by its first strong character (rules P2, P3)."""
    if not RIGHT_TO_LEFT.search(text):
        return 0
    strong = next((kind for kind in map(_direction, text) if kind in {"L", "R"}), "L")
    return 1 if strong == "R" else 0


def _clusters(line: str) -> list[Cluster]:
    found: list[Cluster] = []
    for char in line:
        if found and unicodedata.combining(char):
            found[-1] += char
        else:
            found.append(char)
    return found


def _ordered(line: str, base: int) -> str:
    if not base and not RIGHT_TO_LEFT.search(line):
        return line
    clusters = _clusters(line)
    levels = _levels([_direction(one[0]) for one in clusters], base)
    for level in range(max(levels, default=0), 0, -1):
        _reverse(clusters, levels, level)
    pairs = zip(clusters, levels, strict=True)
    return "".join(MIRRORED.get(one, one) if level % 2 else one for one, level in pairs)


def _levels(kinds: list[str], base: int) -> list[int]:
    strong = "R" if base else "L"
    found: list[str] = []
    for kind in kinds:
        strong = kind if kind in {"L", "R"} else strong
        # A number after a right-to-left letter belongs to that text, and is read from the left.
        found.append("L" if kind == "N" and strong == "L" else kind)
    around = "R" if base else "L"
    resolved = []
    for place, kind in enumerate(found):
        if kind:
            resolved.append(kind)
            continue
        before = next((one for one in reversed(found[:place]) if one), around)
        after = next((one for one in found[place:] if one), around)
        sides = {"R" if one == "N" else one for one in (before, after)}
        inside_number = before == after == "N" and _is_between(found, place)
        resolved.append("N" if inside_number else sides.pop() if len(sides) == 1 else around)
    of = {"L": 2 if base else 0, "R": 1, "N": 2}
    return [of[kind] for kind in resolved]


def _is_between(kinds: list[str], place: int) -> bool:
    """Whether one sign stands directly between digits, as in 12.30."""
    return 0 < place < len(kinds) - 1 and kinds[place - 1] == kinds[place + 1] == "N"


def _reverse(clusters: list[Cluster], levels: list[int], level: int) -> None:
    """Reverses each run of this level or a higher one (rule L2)."""
    begin = None
    for place, one in enumerate([*levels, -1]):
        if one >= level and begin is None:
            begin = place
        elif one < level and begin is not None:
            clusters[begin:place] = clusters[begin:place][::-1]
            levels[begin:place] = levels[begin:place][::-1]
            begin = None


def runs(line: str) -> Iterator[tuple[str, str]]:
    """(font, text) of the pieces of a line."""
    if line.isascii():
        yield PLAIN, line
        return
    begin = 0
    for place in range(1, len(line) + 1):
        if place == len(line) or font_of(line[place]) != font_of(line[begin]):
            yield font_of(line[begin]) or PLAIN, line[begin:place]
            begin = place
