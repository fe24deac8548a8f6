"""Finds the web addresses in a text that somebody typed. Pure, linear in the text's length.

RFC 3986 says which characters an address has, GFM's autolinks say where it ends: without closing
punctuation, and with brackets that are balanced. Chinese, Japanese, Korean and Thai are written
without blanks: an address ends where such a word or mark begins. What is doubtful is left alone.
"""

import re
from collections.abc import Iterator

from designs.markup import MASK

# Scripts whose words follow an address without a blank, and their marks; general punctuation.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2000-\u206f\u2e80-\ua4cf\ua960-\ua97f"
    "\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff"
)
LETTER = rf"(?![{UNSPACED}])[\w\u0300-\u036f]"
# A second address begins, unless it is a part of the first one, as in `?to=https://...`.
SECOND = r"(?<![/?#&=+])https?://"
# RFC 3986, and | ^ { }, which it doesn't allow but browsers do.
CHARACTER = rf"(?!{SECOND})(?:[!#$%&'()*+,\-./:;=?@\[\]^{{|}}~]|{LETTER})"
# Top-level domains in Chinese, the longest of those that begin alike first. Of the words behind
# `https://例子.中国` nothing else tells where the host ends.
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
    # What an expression begins may hold another address, which is a part of it.
    rf"(?P<unknown>{MASK}(?:{CHARACTER}|{MASK})*+)"
    # The host may end with the dot of the root.
    rf"|https?://(?P<host>{HOST})(?:\.(?=/))?(?::\d{{1,5}})?",
    re.IGNORECASE,
)
REST = re.compile(rf"(?:[/?#](?:{CHARACTER})*+)?", re.IGNORECASE)
# Words in Chinese in the path are the address's own where the host is Chinese: after a delimiter.
CHINESE_REST = re.compile(
    rf"(?:[/?#](?:{CHARACTER}|(?<=[/?#=&])[\u3400-\u9fff\U00020000-\U0003ffff]++)*+)?",
    re.IGNORECASE,
)
GOES_ON = re.compile(rf"{MASK}(?:{CHARACTER}|{MASK})*+", re.IGNORECASE)
CLOSING = "?!.,:;*_~'|^"
PAIRS = {")": "(", "]": "[", "}": "{"}
ENTITY = re.compile(r"&[A-Za-z0-9]+;$")


def find(hidden: str) -> Iterator[tuple[int, int]]:
    """Where addresses stand in a text whose Jinja tags are masked. One that holds an expression is
    left out: where it ends can't be known."""
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
    """Where a bracket closes that opened right before the address: `[sale](https://a.shop/x),(...`"""
    before = hidden[begin - 1] if begin else ""
    close = next((one for one, opening in PAIRS.items() if opening == before), "")
    depth = 1
    for place in range(begin, end) if close else ():
        depth += (hidden[place] == before) - (hidden[place] == close)
        if not depth:
            return place
    return end


def _trimmed(url: str, least: int) -> str:
    """Without what closes the sentence around it."""
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
