"""The words of a reply as the rules see them. Pure.

Addresses, hosts and URLs are taken out: "security@dynamics.example" says nothing about security.
Sentences are lines, and a gap in a rule (".{0,40}") never crosses a line.
"""

import re
from dataclasses import dataclass

# What stands for an address, and for a host or URL.
ADDRESS, HOST = "@", "~"
# A reason stands at the beginning; a server may send any number of lines.
MOST_WORDS = 1000

# Bounded, so that a search is linear. A display name may hold what follows the sign.
ADDRESSES = re.compile(
    r"(?:mailto:|rfc822;)?[<(\[\"'«“]{0,2}[^\s<>()\[\]\"'«»“”,;:@]{1,128}@"
    r"(?:\[[\da-fA-F.:]{2,45}\]|[^\s<>()\[\]\"'«»“”,;:@]{1,255})?[>)\]\"'»”]{0,2}"
)
URLS = re.compile(r"\bhttps?://[^\s<>\"'()]{1,500}|\bwww\.[^\s<>\"'()]{1,500}", re.IGNORECASE)
# Two labels or more. "user.Contact" is a sentence without its blank, and no host.
HOSTS = re.compile(
    r"(?<![\w.@-])(?:[\w-]{1,63}\.){1,10}(?:[a-z][a-z0-9-]{1,62}|[A-Z][A-Z0-9-]{1,62})(?![\w-])"
)
# The end of a sentence, with the blank or the end of the line behind it; Chinese needs none.
SENTENCE = re.compile(r"(?<=[^\s.])[.!?](?=[\s]|$)\s{0,4}|[。！？；]|;\s{1,4}")
PARAGRAPH = re.compile(r"\n[ \t>*|-]{0,20}\n")
# A sentence that guesses proves nothing: "the account may not exist".
GUESS = re.compile(
    r"\b(?:may|might|could) (?:also |well )?(?:be|have|not|no longer|exist)\b"
    r"|\bpossibl[ey]\b|\bperhaps\b|\bif (?:you|the|this|it|your)\b|可能|如果|也许"
)


@dataclass(frozen=True, slots=True)
class Words:
    """In small letters, without addresses."""

    # One line, with hosts and URLs, by which a provider is known.
    full: str
    # A sentence a line, without hosts, URLs and sentences that only guess.
    said: str


def clean(words: str) -> Words:
    """Of the first MOST_WORDS characters."""
    text = ADDRESSES.sub(_address, words[: MOST_WORDS * 2].replace("\u2019", "'"))
    text = re.sub(r"\s{0,20}\n\s{0,20}", " ", PARAGRAPH.sub(". ", text))[:MOST_WORDS]
    said = _sure(HOSTS.sub(HOST, URLS.sub(HOST, text)))
    return Words(full=" ".join(text.lower().split()), said=said)


def _address(found: re.Match[str]) -> str:
    """A full stop at its end belongs to the sentence."""
    return f"{ADDRESS}." if found[0].endswith(".") else ADDRESS


def _sure(text: str) -> str:
    lines = SENTENCE.sub("\n", " ".join(text.lower().split())).split("\n")
    said = (line.strip() for line in lines if not GUESS.search(line))
    return "\n".join(filter(None, said))
