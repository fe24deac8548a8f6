"""Puts mails together from bytes prepared for the whole mailing: content, headers, MIME. Pure.

For each recipient only values are encoded; everything else is joined unchanged.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from accounts.markets import marked
from designs import language
from designs.compiling import Uncompiled, compile_bytes, compile_words, is_solid
from designs.encoding import SOFT, Memo
from designs.fixed import Fixed
from designs.rendering import LONGEST_OUTPUT, LONGEST_SUBJECT
from pages.oneline import one_line
from sending.compose import headers, mime


class Assembly:
    """Makes mails to ASCII addresses; raises designs.compiling.Uncompiled for a content that only
    designs.rendering can render."""

    def __init__(  # noqa: PLR0913 - what all mails share
        self,
        parts: Mapping[str, str],
        *,
        sender: mime.Sender,
        fixed: Fixed,
        zone: tzinfo,
        in_markets: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`parts`: the content's subject, preheader, html and text. `in_markets`: bits of the
        markets whose marks the subject gets (accounts.markets)."""
        html = parts["html"]
        if not sender.email.isascii() or (html.strip() and not is_solid(html)):
            raise Uncompiled("the mail's form depends on values")
        fixed = replace(fixed, language=language.of_mail(parts))
        self.subject = compile_words(parts["subject"], "subject", fixed)
        self.preheader = compile_words(parts["preheader"], "preheader", fixed)
        self.text = compile_bytes(parts["text"], "text", fixed)
        self.html = compile_bytes(html, "html", fixed) if html.strip() else None
        # Recipients with the same first name often have the same subject.
        self.subjects = Memo(
            (lambda text: headers.subject(marked(text, in_markets)))
            if in_markets
            else headers.subject
        )
        # A subject without values is the same for all.
        self.same_subject = self._subject(_nothing, "") if "{" not in parts["subject"] else b""
        self.has_preheader = bool(parts["preheader"].strip())
        self.skeleton = mime.Skeleton(sender, fixed.unsubscribe, html=self.html is not None)
        self.zone = zone
        self.clock = clock
        self.second = 0
        self.date = b""

    def mail(self, to: bytes, get: Callable[[str, Any], Any], words: str) -> bytes:
        """The whole mail. `to`: its header line; `get`: the person's fields, as dict.get; `words`:
        the message's token.

        May raise any exception. Then designs.rendering may succeed, or says what is wrong.
        """
        skeleton, token = self.skeleton, words.encode()
        subject = self.same_subject or self._subject(get, words)
        pieces = [skeleton.top, to, subject, self._date(), token]
        pieces += (skeleton.unsubscribe, token, skeleton.message, token, skeleton.text)
        soft = token + SOFT
        self.text(pieces, get, soft, words)
        if self.html is not None:
            pieces.append(skeleton.between)
            preheader = self._line(self.preheader, get, words) if self.has_preheader else ""
            self.html(pieces, get, soft, words, preheader)
        pieces.append(skeleton.end)
        content = b"".join(pieces)
        if len(content) > LONGEST_OUTPUT:
            raise Uncompiled("a part may be too long")
        return content

    def _subject(self, get: Callable[[str, Any], Any], words: str) -> bytes:
        return self.subjects[self._line(self.subject, get, words)[:LONGEST_SUBJECT].rstrip(" ")]

    def _line(self, part: Any, get: Callable[[str, Any], Any], words: str) -> str:
        pieces: list[str] = []
        part(pieces, get, words, words)
        line = "".join(pieces)
        if len(line) > LONGEST_OUTPUT:
            raise Uncompiled("a part is too long")
        return one_line(line)

    def _date(self) -> bytes:
        """The Date header, and the beginning of Message-ID."""
        second = int(self.clock())
        if second != self.second:
            moment = datetime.fromtimestamp(second, self.zone)
            self.date = b"Date: " + mime.date(moment) + self.skeleton.message_id
            self.second = second
        return self.date


def _nothing(_name: str, other: Any) -> Any:
    """`get` for a person without fields."""
    return other
