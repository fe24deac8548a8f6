"""The encodings of contact files, and guessing a file's. Pure.

A guess is shown and can be changed, so it must be right for common files (exports of mail tools,
Excel in Western Europe and East Asia), not for every file.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# Encodings to choose from, with the names that people know.
ENCODINGS: dict[str, str | Promise] = {
    "utf-8": "UTF-8",
    "gb18030": _("GB18030 / GBK (Simplified Chinese)"),
    "big5": _("Big5 (Traditional Chinese)"),
    "shift_jis": _("Shift_JIS (Japanese)"),
    "euc_kr": _("EUC-KR (Korean)"),
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
    "cp1252": _("Windows-1252 (Western European)"),
    "cp1250": _("Windows-1250 (Central European)"),
    "cp1251": _("Windows-1251 (Cyrillic)"),
    "latin-1": "ISO 8859-1 (Latin-1)",
    "mac_roman": "Mac OS Roman",
}
# Programs use Microsoft's supersets under the names of the standards.
CODECS = {"big5": "cp950", "shift_jis": "cp932", "euc_kr": "cp949"}
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def codec(encoding: str) -> str:
    """Python's name for a key of ENCODINGS."""
    return CODECS.get(encoding, encoding)


def named(text: str) -> str:
    """The key of ENCODINGS for any name of it ("GBK", "sjis", "cp950"); "" for unsupported ones."""
    if text in ENCODINGS:
        return text
    try:
        name = codecs.lookup(text).name
    except LookupError:
        return ""
    keys = {codecs.lookup(codec(key)).name: key for key in ENCODINGS}
    keys |= {codecs.lookup(key).name: key for key in ENCODINGS}
    keys |= {"gbk": "gb18030", "gb2312": "gb18030", "utf-8-sig": "utf-8", "big5hkscs": "big5"}
    return keys.get(name, "")


@dataclass(frozen=True, slots=True)
class _Script:
    """Patterns of an East Asian encoding: characters of two bytes (`pair`), most of them `common`.
    Text in another encoding that happens to fit has few of the common ones."""

    encoding: str
    pair: re.Pattern[bytes]
    common: re.Pattern[bytes]


def _script(encoding: str, pair: bytes, common: bytes) -> _Script:
    return _Script(encoding, re.compile(pair), re.compile(common))


# GB 2312: signs, full-width letters and its 3,755 frequent characters.
GB18030 = _script(
    "gb18030", rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]", rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]"
)
# Signs and the 5,401 frequent characters.
BIG5 = _script("big5", rb"[\x81-\xfe][\x40-\x7e\xa1-\xfe]", rb"[\xa1-\xc6][\x40-\x7e\xa1-\xfe]")
# Signs, full-width letters, kana and the 2,965 frequent characters. Half-width kana are one byte.
SHIFT_JIS = _script(
    "shift_jis",
    rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf]",
    rb"(?:[\x81-\x83\x88-\x97][\x40-\x7e\x80-\xfc]|\x98[\x40-\x72])",
)
# GB comes first, so that it wins a tie in a short text.
SCRIPTS = (GB18030, BIG5, SHIFT_JIS)
COMMON_SHARE = 0.6
# In Western text, letters beyond ASCII are isolated: few "pairs" follow each other, and the second
# byte of a "pair" is seldom beyond ASCII.
TOGETHER, HIGH = 0.5, 0.25
# Korean syllables are the same bytes as the first half of the frequent Chinese characters, those
# up to R in Pinyin. So many characters and none of the other half can't be Chinese.
KOREAN = re.compile(rb"[\xa1-\xa3\xb0-\xc8][\xa1-\xfe]")
KOREAN_PAIRS = 12
# Cyrillic words in Windows-1251: letters beyond ASCII stand together, as in no Western text.
CYRILLIC_WORD = re.compile(rb"[\xa8\xb8\xc0-\xff]{3,}")
CYRILLIC_SHARE = 0.6
# Signs of Windows-1250: bytes at places where Windows-1252 has no such character. The comments name
# the letters of Windows-1250, with the characters that Windows-1252 would show.
CENTRAL = re.compile(
    b"|".join(
        (
            # ą ł ľ ş (¹ ³ ¾ º) inside of a word, or at its end, except after one letter as in "m³"
            rb"(?<=[A-Za-z\xc0-\xff])[\xb9\xb3\xbe\xba](?=[a-z\xe0-\xff])",
            rb"(?<=[a-z\xe0-\xff]{2})[\xb9\xb3\xbe\xba]",
            # ż (¿) beside a vowel; between consonants it may be the ø of Mac OS Roman
            rb"(?<=[aeiouy\xf3\xea])\xbf|(?<=[A-Za-z])\xbf(?=[aeiouy\xf3\xb9\xea])",
            # Ł Ą Ż Ľ (£ ¥ ¯ ¼) beside a letter
            rb"[\xa3\xa5\xaf\xbc](?=[A-Za-z\xd3\xf3])|(?<=[A-Z])[\xa3\xa5\xaf]",
            # ś (œ) where no "u" or "t" follows
            rb"(?<=[aeio])\x9c(?=[cnmw\xe6\xea])",
            # ě ů (ì ù) before another letter: Italian and French have them at the end
            rb"(?<=[A-Za-z])[\xec\xf9](?=[a-z])",
            # ř (ø) before a long vowel, Č č (È è) before a vowel
            rb"\xf8[\xe1\xe9\xed\xec\xfd\xf9]|[\xc8\xe8][aeiouy\xe1\xe9\xed\xfd\xec]",
            # ť (no character) before a letter, and in the ending of verbs
            rb"\x9d(?=[a-z])|(?<=[ae\xe1\xed\xfa])\x9d",
            # the ending "-ić" (iæ)
            rb"i\xe6(?![A-Za-z\xc0-\xff])",
            # ő ű (õ û) at the end of a word, or beside letters where Portuguese, Estonian and
            # French have none
            rb"(?<=[a-z])\xf5(?![A-Za-z\xc0-\xff])",
            rb"(?<=[yz])(?:\xf5(?!e)|\xfb)|d[\xf5\xfb]s|\xf5sz",
        )
    )
)
# Signs against it: à å ò ñ ão (ŕ ĺ ň ń ăo). No language has these often in Windows-1250.
WESTERN = re.compile(rb"[\xc0\xe0\xc5\xe5]|\xf2[a-z]|\xf1[aeiou]|\xe3o")
# Signs of Mac OS Roman, which has letters where Windows has symbols, capital letters or nothing.
# Not í ó ñ: Windows has ’ — – there.
MAC = re.compile(
    b"|".join(
        (
            # á à â ä ã å ç é è ê ë ï ò ô õ inside of a word
            rb"(?<=[a-z])[\x87-\x8d\x8f-\x91\x95\x98\x99\x9b](?=[a-z])",
            # à ä å é (ˆ Š Œ Ž) after a small letter
            rb"(?<=[a-z])[\x88\x8a\x8c\x8e](?![\x80-\xff])",
            # ü ø (Ÿ ¿) between consonants, where Windows-1250 seldom has its ź ż
            rb"(?<=[BDFGHJKLMNPRSTVWZbfghjklmnprstvwz])\x9f(?=[a-z])",
            rb"(?<=[BDFGHJKLMNPRSTVbdfghjklmnprstv])\xbf(?=[bdfghjklmnprstv])",
            # French and Italian "où", "più", "è"
            rb"(?<=[iotlrns])\x9d(?![A-Za-z\x80-\xff])|(?<= )\x8f(?= )",
        )
    )
)
# Signs against it: letters of Windows that are symbols or capital letters there.
NOT_MAC = re.compile(rb"(?<=[a-z])[\xe0-\xff]")
# A single sign may be chance, and so may a few in a long text.
SIGNS, SIGNS_SHARE = 2, 0.04


def detect(sample: bytes) -> str:
    """A key of ENCODINGS; the sample may end inside a character."""
    for mark, encoding in MARKS.items():
        if sample.startswith(mark):
            return encoding
    if wide := _without_mark(sample):
        return wide
    if sample.isascii() or _mostly_utf8(sample):
        return "utf-8"
    if found := _east_asian(sample) or _cyrillic(sample) or _european(sample):
        return found
    # Windows-1252 has five bytes without a meaning; Latin-1 has none.
    return "latin-1" if "\ufffd" in sample.decode("cp1252", "replace") else "cp1252"


# An East Asian text with fewer characters, or fewer common ones among them, may be another one.
SURE_PAIRS, SURE_SHARE = 20, 0.8


def is_sure(sample: bytes, encoding: str) -> bool:
    """Whether the sample leaves no doubt that it is in this encoding. For Western encodings it
    always does: each byte is a letter in most of them."""
    if sample.startswith(tuple(MARKS)) or encoding.startswith("utf-16"):
        return detect(sample) == encoding
    if encoding == "utf-8":
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
        return "\ufffd" not in text
    if encoding == "cp1251":
        return _cyrillic(sample) == encoding
    # Korean syllables are a part of the characters of GB.
    script = next((one for one in SCRIPTS if one.encoding == encoding), GB18030)
    if encoding not in {"euc_kr", script.encoding} or _east_asian(sample) != encoding:
        return False
    pairs = sum(1 for pair in script.pair.findall(sample) if len(pair) == 2)
    return pairs >= SURE_PAIRS and _share(sample, script) >= SURE_SHARE


def _without_mark(sample: bytes) -> str:
    """UTF-16 without a byte-order mark: every other byte of ASCII text is zero."""
    pairs = len(sample) // 2
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > pairs * 0.3 and even < pairs * 0.05:
        return "utf-16-le"
    if even > pairs * 0.3 and odd < pairs * 0.05:
        return "utf-16-be"
    return ""


def _mostly_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8 except for a few bad bytes, which only spoil their lines."""
    # A character that is cut off at the end does not count as bad.
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    wide = sum(1 for character in text if character > "\x7f")
    return text.count("\ufffd") * 20 <= wide


def _east_asian(sample: bytes) -> str:
    shares = [(_share(sample, script), script) for script in SCRIPTS]
    share, script = max(shares, key=lambda pair: pair[0])
    if share < COMMON_SHARE:
        return ""
    if script is GB18030 and _korean(sample):
        return "euc_kr"
    return script.encoding


def _share(sample: bytes, script: _Script) -> float:
    """The share of common characters; 0 if the text can't be in this encoding."""
    found = [match.span() for match in script.pair.finditer(sample)]
    pairs = [(begin, end) for begin, end in found if end - begin == 2]
    bad = sample.decode(codec(script.encoding), "replace").count("\ufffd")
    if not pairs or bad * 20 > len(pairs) or _western(sample, pairs):
        return 0
    return sum(1 for begin, _ in pairs if script.common.match(sample, begin)) / len(pairs)


def _western(sample: bytes, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether the pairs are probably single letters, each followed by an ASCII letter."""
    high = sum(1 for begin, _ in pairs if sample[begin + 1] > 0x7F)
    together = sum(1 for (_, end), (begin, _) in pairwise(pairs) if end == begin)
    alone = len(pairs) == 1 or together < (len(pairs) - 1) * TOGETHER
    return alone and high < len(pairs) * HIGH


def _cyrillic(sample: bytes) -> str:
    beyond = sum(1 for byte in sample if byte > 0x7F)
    words = sum(map(len, CYRILLIC_WORD.findall(sample)))
    return "cp1251" if words > beyond * CYRILLIC_SHARE else ""


def _european(sample: bytes) -> str:
    """Windows-1250 or Mac OS Roman if the sample has signs of it; "" in doubt."""
    central, mac = (sum(1 for _ in signs.finditer(sample)) for signs in (CENTRAL, MAC))
    least = max(SIGNS, SIGNS_SHARE * sum(1 for byte in sample if byte > 0x7F))
    if mac >= least and mac > max(central, len(NOT_MAC.findall(sample))):
        return "mac_roman"
    if central >= least and central > len(WESTERN.findall(sample)):
        return "cp1250"
    return ""


def _korean(sample: bytes) -> bool:
    pairs = GB18030.pair.findall(sample)
    syllables = [pair for pair in pairs if pair[0] >= 0xB0]
    return len(syllables) >= KOREAN_PAIRS and all(map(KOREAN.match, syllables))
