"""The headers of our mails as bytes (RFC 5322, RFC 2047, RFC 2919, RFC 2369). Pure.

`structured` folds the headers that the other functions build. Campaign mails, test mails and
notices all use them. No function raises for a stored value: a line break in a name becomes a space,
and an odd local part of an address is quoted. Lines have at most 78 characters where the words
allow it (RFC 5322, 2.1.1). They are ASCII, except for an internationalized address.

We don't use the `email` package: it puts encoded words into quoted strings, breaks long names that
hold a comma, and writes List-Id as plain text.
"""

import re
from binascii import b2a_base64
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from pages.oneline import one_line

CRLF = b"\r\n"
# RFC 5322, 2.1.1.
LINE = 78
LONGEST_NAME = 150
# Bytes of text in one encoded word. With "Subject: " before it a line has 77 characters.
WORD = 42
ATEXT = r"[\w!#$%&'*+/=?^`{|}~-]"
ATOM = re.compile(rf"{ATEXT}+", re.ASCII)
# An atom with these characters would be read as an encoded word, or as a part of one.
LIKE_ENCODED = "=?"
DOT_ATOM = re.compile(rf"{ATEXT}+(?:\.{ATEXT}+)*", re.ASCII)
# Characters that would end the address or its header.
NO_DOMAIN = re.compile(r"[\x00-\x20\x7f<>()\[\],;:\\\"@]")
LITERAL = re.compile(r"\[[\w.:]+\]", re.ASCII)
# RFC 2919, 2: labels of a list-id; at most 255 characters.
NO_LIST_LABEL = re.compile(r"[^\w.-]+", re.ASCII)
ANGLES = str.maketrans({"<": "(", ">": ")"})


def clean_name(name: str) -> str:
    """A name as headers show it: one line, of a length that fits."""
    return one_line(one_line(name)[:LONGEST_NAME])


def mailboxes(field: str, people: Iterable[tuple[str, str]]) -> bytes:
    """From, To, Reply-To or Sender with its line end; `people`: (name, address)."""
    written = [_mailbox(clean_name(name), address) for name, address in people]
    for words in written[:-1]:
        words[-1] += ","
    return structured(field, [word for words in written for word in words])


def list_id(name: str, identifier: str) -> bytes:
    """RFC 2919: a phrase and one <id>. Angle brackets in the name become parentheses, because
    programs take the first angle bracket for the start of the id."""
    label = NO_LIST_LABEL.sub("-", identifier).strip("-.")[:255] or "list"
    return structured("List-ID", [*phrase(clean_name(name).translate(ANGLES)), f"<{label}>"])


def links(field: str, urls: Iterable[str]) -> bytes:
    """List-Unsubscribe and the like (RFC 2369): URLs in angle brackets."""
    # Characters that a URL can't hold are percent-encoded. Existing percent-encoding stays.
    safe = [quote(one_line(url), safe="%:/?#[]@!$&'()*+,;=~") for url in urls]
    return structured(field, [f"<{url}>{',' * (n < len(safe))}" for n, url in enumerate(safe, 1)])


def plain(field: str, value: str) -> bytes:
    """A header of tokens, such as Feedback-ID or Auto-Submitted: ASCII, on one line."""
    text = one_line(value).encode("ascii", "replace").decode()
    return structured(field, text.split(" "))


def text(field: str, value: str) -> bytes:
    """Subject, or another header that holds any text."""
    value = one_line(value)
    if value.isascii() and LIKE_ENCODED not in value and len(field) + 2 + len(value) <= LINE:
        return f"{field}: {value}\r\n".encode()
    return structured(field, encoded_words(value))


def structured(field: str, words: Sequence[str]) -> bytes:
    """The header's lines: words with blanks between, folded before a word that doesn't fit."""
    lines, line = [], f"{field}:"
    for number, word in enumerate(words):
        # The first word stays beside the field's name: some servers drop a header whose first line
        # is empty.
        if len(line) + 1 + len(word) > LINE and number:
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line]).encode() + CRLF


def _mailbox(name: str, address: str) -> list[str]:
    spec = addr_spec(address)
    return [*phrase(name), f"<{spec}>"] if name else [spec]


def addr_spec(address: str) -> str:
    """RFC 5322, 3.4.1: an odd local part is quoted, and nothing in it ends the header."""
    local, _at, domain = one_line(address).rpartition("@")
    if not LITERAL.fullmatch(domain):
        domain = NO_DOMAIN.sub("", domain)
    if not DOT_ATOM.fullmatch(local) and not _is_international(local):
        local = _quoted(local)
    return f"{local}@{domain}"


def _is_international(local: str) -> bool:
    """Whether it is a dot-atom of RFC 6532, which allows characters beyond ASCII."""
    return bool(local) and all(
        part and all(not c.isascii() or ATOM.match(c) for c in part) for part in local.split(".")
    )


def phrase(name: str) -> list[str]:
    """The words of a name (RFC 5322, 3.2.5): atoms, quoted strings, encoded words.

    A name that doesn't fit into one of them is cut between its words. Every reader then gets the
    same name: blanks between two words of a phrase count, unless both words are encoded.
    """
    words = name.split(" ") if name else []
    if all(_is_atom(word) for word in words):
        return words
    if name.isascii() and name.isprintable() and LIKE_ENCODED not in name:
        return list(_quoted_strings(words))
    if len(name.encode()) <= WORD:
        return encoded_words(name)
    return list(_mixed(words))


def _is_atom(word: str) -> bool:
    return ATOM.fullmatch(word) is not None and LIKE_ENCODED not in word and len(word) < LINE


def _quoted_strings(words: Iterable[str]) -> Iterator[str]:
    """As few quoted strings as lines have room for. Each ends between two words."""
    some: list[str] = []
    for word in words:
        if some and len(_quoted(" ".join([*some, word]))) > LINE - len("Reply-To: "):
            yield _quoted(" ".join(some))
            some = []
        some.append(word)
    yield _quoted(" ".join(some))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mixed(words: Iterable[str]) -> Iterator[str]:
    """Encodes the words that need it, with the blanks between them. Atoms stay as they are."""
    some: list[str] = []
    for word in words:
        if _is_atom(word):
            yield from encoded_words(" ".join(some)) if some else ()
            some = []
            yield word
        else:
            some.append(word)
    yield from encoded_words(" ".join(some)) if some else ()


def encoded_words(text: str) -> list[str]:
    """RFC 2047: no word over 75 characters, and no character in two of them."""
    raw = text.encode()
    words, begin = [], 0
    while begin < len(raw):
        end = begin + WORD
        while end < len(raw) and raw[end] & 0xC0 == 0x80:
            end -= 1
        coded = b2a_base64(raw[begin:end], newline=False).decode()
        words.append(f"=?utf-8?b?{coded}?=")
        begin = end
    return words
