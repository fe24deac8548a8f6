"""The words of a reply as the rules see them. Pure.

Addresses, hosts and URLs are taken out: "security@dynamics.example" says nothing about security.
Sentences are lines, and a gap in a rule (".{0,40}") never crosses a line.
"""

import re
from dataclasses import dataclass

# Placeholders for an address, and for a host or URL.
ADDRESS, HOST = "@", "~"
# The reason is at the beginning; a server may send any number of lines.
MOST_WORDS = 1000

# Bounded, so that a search is linear. A display name may contain the part after the sign.
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
    r"|\b(?:eventuell|vielleicht|falls|peut-être|pourrait|quizás?|tal vez|puede que|forse|potrebbe"
    r"|talvez|misschien|entweder|soit)\b|(?<!nicht )\bm(?:ö|oe)glich|(?<!pas )\bpossibles?\b"
    r"|(?<!no )\bposib|\bpossibil|\bpossíve|\bвозможн|(?<!niet )\bmogelijk|\bmożliw"
    r"|(?<!inte )\bmöjlig|(?<!ikke )\bmulig|\bolası\b|かもしれ|可能性"
)
# A sentence about somebody or something other than the recipient, or one that leaves the reason
# open. Its "invalid address" or "unknown user" does not prove that the recipient doesn't exist.
ELSEWHERE = re.compile(
    # Parts of the mail.
    r"\b(?:reply-?to|list-[a-z]{2,15}|message-id|return-path|urls?|links?|signature|selector)\b"
    r"|\b(?:from|to|cc|in|bad|invalid|the)[: ]{1,2}(?:[\w-]{1,15} ){0,2}headers?\b"
    r"|\bheader [a-z]{1,8}\b|\b(?:message|mail|e-?mail|body|text) contain(?:s|ed)\b"
    # The sender.
    r"|\bsender\b|\bcredentials\b|\ballowed to send\b|\bmailer-daemon address\b"
    r"|\byour (?:e-?mail |smtp |mail )?(?:account|mailbox|login|password)\b|\bof your address\b"
    r"|\babsender|exp[ée]diteur|\bremitente|\bremetente|\bmittente|отправител|nadawc"
    r"|odes[íi]latel|avs[äa]ndare|\bafsender|\bafzender|g[öo]nderen|người gửi|发件|發件|发信|發信"
    r"|発信|送信者|送信元|差出人|발신|보낸"
    # Whose mails are accepted.
    r"|\b(?:accept|want|receiv|allow)\w{0,3}\b[^\n]{0,30}\bfrom\b"
    r"|\bno longer accepts? (?!any |e?-?mail|messages)|\baccepts? (?:any )?e?-?mails? (?:for|to)\b"
    r"|\bexternal (?:deliver|mail|e-mail|send)|白名单|白名單"
    # How often it happened.
    r"|\b(?:rate|number|percentage) of\b|\btoo many\b|\battacks?\b|\bharvest|\bdictionary\b"
    r"|\b(?:of|to|for|from|many) (?:unknown|invalid|non-?existent) "
    r"(?:users|recipients|addresses|accounts|mailboxes)\b"
    # Nobody looked.
    r"|\b(?:unable|failed|fails|cannot|could not|can't) (?:to )?(?:check|determine|verify) "
    r"(?:if|whether)\b|\bunknown (?:error|policy|reason|problem|status|failure)\b"
    r"|\b(?:database|quota) (?:error|failure|unknown|unavailable)\b|\bnot known to be\b"
    # It names another possible reason.
    r"|\bor (?:the )?(?:message|mail|e-mail) (?:is |was |has been )?(?:rejected|refused|blocked)"
    r"|\bor (?:you|your|access (?:is |was )?denied|not (?:allowed|authori)|blocked)\b"
    r"|或(?:者)?(?:已)?被?(?:禁用|停用|冻结|拒|屏蔽)"
)


@dataclass(frozen=True, slots=True)
class Words:
    """In small letters, without addresses."""

    # One line, with hosts and URLs, which identify a provider.
    full: str
    # One sentence on each line, without hosts, URLs, and sentences that only guess.
    said: str

    @property
    def about_recipient(self) -> str:
        """The sentences that can only be about the recipient."""
        return "\n".join(line for line in self.said.split("\n") if not ELSEWHERE.search(line))


def clean(words: str) -> Words:
    """Prepares the first MOST_WORDS characters."""
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
