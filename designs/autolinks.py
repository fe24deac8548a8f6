"""Finds the URLs in a typed text. Pure, linear in the text's length.

RFC 3986 defines the characters of a URL. Its end follows GFM's autolinks: closing punctuation and
unbalanced brackets don't belong to it. Chinese, Japanese, Korean and Thai are written without
blanks, so a URL ends where such a word or mark begins. Doubtful text is left alone.
"""

import re
from collections.abc import Iterator

from designs.markup import MASK

# Scripts whose words follow a URL without a blank, with their marks; general punctuation.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2000-\u206f\u2e80-\ua4cf\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
)
LETTER = rf"(?![{UNSPACED}])[\w\u0300-\u036f]"
# The start of a second URL, unless it is a part of the first one, as in `?to=https://...`.
SECOND = r"(?<![/?#&=+])(?i:https?)://"
# RFC 3986, and | ^ { }, which only browsers allow.
CHARACTER = rf"(?!{SECOND})(?:[!#$%&'()*+,\-./:;=?@\[\]^{{|}}~]|{LETTER})"
# Top-level domains in Chinese; of two with the same start, the longer one first. Chinese words may
# follow `https://例子.中国` directly: only this list tells where the host ends.
CHINESE_TLDS = (
    *("中国", "中國", "公司", "网络", "網絡", "中文网", "香港", "台湾", "台灣", "澳门", "澳門"),
    *("新加坡", "在线", "网站", "网址", "网店", "商城", "商店", "商标", "集团", "企业", "信息"),
    *("政务", "公益", "机构", "组织机构", "世界", "我爱你", "手机", "移动", "娱乐", "游戏", "时尚"),
    *("广东", "佛山", "餐厅", "酒店", "大拿", "健康", "招聘", "新闻", "购物", "食品", "慈善"),
)
IN_LABEL = rf"(?:(?!{SECOND})(?:{LETTER}|-))"
LABEL = rf"(?:{IN_LABEL}{{1,63}}+|(?=[{UNSPACED}])[\w-]{{1,63}}+)"
HOST = rf"(?:{LABEL}\.){{1,20}}(?:{'|'.join(CHINESE_TLDS)}|{IN_LABEL}{{1,63}})"
START = re.compile(
    # A URL inside a text that begins with an expression is a part of that text.
    rf"(?P<unknown>{MASK}(?:{CHARACTER}|{MASK})*+)"
    # The host may end with the dot of the root.
    rf"|(?i:https?)://(?P<host>{HOST})(?:\.(?=/))?(?::\d{{1,5}})?"
)
REST = re.compile(rf"(?:[/?#](?:{CHARACTER})*+)?")
# If the host is Chinese, Chinese words in the path belong to the URL when they follow a delimiter.
CHINESE_REST = re.compile(
    rf"(?:[/?#](?:{CHARACTER}|(?<=[/?#=&])[\u3400-\u9fff\U00020000-\U0003ffff]++)*+)?"
)
GOES_ON = re.compile(rf"{MASK}(?:{CHARACTER}|{MASK})*+")
CLOSING = "?!.,:;*_~'|^"
PAIRS = {")": "(", "]": "[", "}": "{"}
ENTITY = re.compile(r"&[A-Za-z0-9]+;$")


def find(hidden: str) -> Iterator[tuple[int, int]]:
    """The positions (begin, end) of URLs in a text whose Jinja tags are masked. URLs with an
    expression are left out, because their end can't be known."""
    position = 0
    while found := START.search(hidden, position):
        position = found.end()
        if found["unknown"]:
            continue
        rest = (REST if _is_spaced(found["host"]) else CHINESE_REST).match(hidden, position)
        end = rest.end() if rest else position
        if goes_on := GOES_ON.match(hidden, end):
            position = goes_on.end()
            continue
        position = end
        end = _closed(hidden, found.start(), end)
        if url := _trimmed(hidden[found.start() : end], len(found[0])):
            yield found.start(), found.start() + len(url)


def _is_spaced(host: str) -> bool:
    return re.search(f"[{UNSPACED}]", host) is None


def _closed(hidden: str, begin: int, end: int) -> int:
    """The position of the bracket that closes the one right before the URL, or `end`:
    `[sale](https://a.shop/x),(...`"""
    before = hidden[begin - 1] if begin else ""
    close = next((one for one, opening in PAIRS.items() if opening == before), "")
    depth = 1
    for place in range(begin, end) if close else ():
        depth += (hidden[place] == before) - (hidden[place] == close)
        if not depth:
            return place
    return end


def _trimmed(url: str, least: int) -> str:
    """The URL without the punctuation of the sentence around it."""
    surplus = {close: url.count(close) - url.count(opening) for close, opening in PAIRS.items()}
    end = len(url)
    while end > least:
        last = url[end - 1]
        if last == ";" and (entity := ENTITY.search(url[max(least, end - 40) : end])):
            end -= len(entity[0])
        elif last in CLOSING:
            end -= 1
        elif surplus.get(last, 0) > 0:
            surplus[last] -= 1
            end -= 1
        else:
            break
    return url[:end]
