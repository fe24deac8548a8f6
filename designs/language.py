"""Detects the language of a mail, for its yes and no, dates and numbers. Pure."""

import re
from collections.abc import Mapping

from designs.markup import Tag, tokens, without_jinja

LANGUAGES = ("en", "zh")
# Characters of each part that are read.
LOOKED_AT = 50_000
HAN = re.compile("[\u3400-\u9fff]")
KANA = re.compile("[\u3041-\u30ff]")
WORD = re.compile(r"[A-Za-z]+")


def of_mail(parts: Mapping[str, str]) -> str:
    """`parts`: subject, preheader, html and text as the author wrote them.

    The language that the HTML declares wins, except for English: templates declare it, and most
    authors leave it there. Without a declaration the words decide.
    """
    declared, words = _read(parts.get("html", ""))
    if declared and declared != "en":
        return declared if declared in LANGUAGES else "en"
    texts = (parts.get(name, "")[:LOOKED_AT] for name in ("subject", "preheader", "text"))
    words += "".join(map(without_jinja, texts))
    han = len(HAN.findall(words))
    is_japanese = len(KANA.findall(words)) * 5 > han
    return "zh" if han > len(WORD.findall(words)) and not is_japanese else "en"


def _read(html: str) -> tuple[str, str]:
    """(declared language of <html>, such as "zh" for zh-Hans; the text)."""
    html = html[:LOOKED_AT]
    declared, words = "", []
    for token in tokens(html):
        if isinstance(token, Tag):
            if token.name == "html" and "lang" in token.values:
                value = html[slice(*token.values["lang"])]
                declared = re.split(r"[-_\s]", value.strip().lower())[0]
        else:
            words.append(without_jinja(token))
    return declared, "".join(words)
