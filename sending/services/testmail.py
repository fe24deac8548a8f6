"""Test mails: one content to a few typed addresses, at once, outside the ledger."""

import asyncio
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.markets import marked
from accounts.models import User
from designs.rendering import Rendered
from relays.models import Relay
from relays.services import testallowance
from relays.services.relays import server_of
from sending.compose import tokens
from sending.compose.composer import name_of
from sending.compose.mime import Mail, Sender, build
from sending.compose.publicurls import MessageUrls
from smtp import (
    ConnectError,
    End,
    Ending,
    EndingKind,
    Exchange,
    MailObject,
    Mode,
    Outcome,
    Server,
    open_session,
)

# Seconds that the web request may wait for the result.
TIMEOUT = 20.0
MOST_ADDRESSES = 10


@dataclass(frozen=True, slots=True)
class TestResult:
    address: str
    ok: bool
    # The server's words, or ours where there were none.
    reply: str


def nowhere() -> MessageUrls:
    """Links of a test mail lead to pages that change nothing."""
    return MessageUrls(tokens.NOBODY)


def send_test(  # noqa: PLR0913  # what is sent, by what, and by whom
    *,
    relay: Relay,
    rendered: Rendered,
    sender: Sender,
    addresses: Sequence[str],
    fields: Mapping[str, Any],
    by: User,
    in_markets: Mapping[str, int] | None = None,
) -> list[TestResult]:
    """Sends `rendered`, made with `fields` and `nowhere()`, to each address. `in_markets`:
    {address: bits of the markets whose marks its subject gets}.

    Raises SecretError, and TestRefusedError if `by` has sent too many today or the sender does not
    belong to the workspace.
    """
    urls = nowhere()
    contents = [
        build(
            sender,
            Mail(
                to_name=name_of(fields),
                to_email=address,
                subject=f"[Test] {marked(rendered.subject, (in_markets or {}).get(address, 0))}",
                html=rendered.html,
                text=rendered.text,
                # Unique, because mailboxes keep only one of several mails with the same Message-ID.
                token=f"{urls.token}.{secrets.token_hex(8)}",
                unsubscribe_url=urls.unsubscribe,
                date=timezone.now(),
            ),
        )
        for address in addresses[:MOST_ADDRESSES]
    ]
    server = server_of(relay)
    testallowance.take(relay, by, sender=sender.email, count=len(contents))
    envelope_from = relay.bounce_address or sender.email
    mails = _Mails(
        [
            MailObject(place, envelope_from, address, content)
            for place, (address, content) in enumerate(zip(addresses, contents, strict=False))
        ]
    )
    sending = _send(server, mails)
    # In a separate thread, because the caller's may run an event loop. The context has the
    # language.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, asyncio.run, sending).result()


class _Mails:
    """The source of an exchange that ends when the last mail is settled."""

    def __init__(self, mails: Sequence[MailObject]) -> None:
        self.mails = mails
        self.outcomes: dict[int, Outcome] = {}
        self.waiting = deque(mails)
        self.exchange: Exchange | None = None

    def next(self) -> MailObject | None:
        return self.waiting.popleft() if self.waiting else None

    def handing_over(self, mail: MailObject) -> None:
        """A test has no journal."""

    def settled(self, mail: MailObject, outcome: Outcome) -> None:
        if outcome.end is End.NEXT_CONNECTION:
            self.waiting.appendleft(mail)
            return
        self.outcomes[mail.key] = outcome
        if self.exchange is not None and not self.waiting:
            self.exchange.drain()

    def results(self, words: str) -> list[TestResult]:
        """`words`: for those that were never settled."""
        results = []
        for mail in self.mails:
            outcome = self.outcomes.get(mail.key) or Outcome(End.NOT_HANDED_OVER, words=words)
            results.append(TestResult(mail.recipient, outcome.end is End.ACCEPTED, outcome.reply))
        return results


async def _send(server: Server, mails: _Mails) -> list[TestResult]:
    """Uses the plain mode, command by command: a test shows the reply to each step."""
    try:
        async with asyncio.timeout(TIMEOUT):
            ending = await _over_one(server, mails)
            # Servers take only so many mails on a connection.
            while mails.waiting and ending.kind in {EndingKind.SPENT, EndingKind.FULL}:
                ending = await _over_one(server, mails)
            words = ending.words
    except ConnectError as error:
        words = error.words
    except TimeoutError:
        words = _("No answer within %(count)d seconds.") % {"count": TIMEOUT}
        if mails.exchange is not None:
            mails.exchange.abort(words)
    return mails.results(words)


async def _over_one(server: Server, mails: _Mails) -> Ending:
    session = await open_session(server)
    mails.exchange = Exchange(session, mails, mode=Mode.PLAIN)
    mails.exchange.start()
    return await mails.exchange.done
