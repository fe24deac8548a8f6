"""Test mails: one content, a few typed addresses, at once, outside of the ledger."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from designs.rendering import Renderer
from sending import tokens
from sending.compose import name_of
from sending.exchange import ConnectError, Connection, End, Server
from sending.mime import Mail, Sender, build
from sending.models import Relay
from sending.publicurls import MessageUrls
from sending.services.relays import server_of

# A request waits for this; whoever tests sees what happened.
TIMEOUT = 20.0
MOST_ADDRESSES = 10


@dataclass(frozen=True, slots=True)
class TestResult:
    address: str
    ok: bool
    # The server's words, or ours where there were none.
    reply: str


def send_test(
    *,
    relay: Relay,
    renderer: Renderer,
    sender: Sender,
    addresses: Sequence[str],
    fields: Mapping[str, Any],
) -> list[TestResult]:
    """Renders for `fields` (`workspace` among them) and sends to each address.

    Raises designs.rendering.RenderError. Links of a test mail lead to pages that change nothing.
    """
    urls = MessageUrls(tokens.NOBODY, track_opens=False)
    rendered = renderer.render(fields, urls)
    contents = [
        build(
            sender,
            Mail(
                to_name=name_of(fields),
                to_email=address,
                subject=f"[Test] {rendered.subject}",
                html=rendered.html,
                text=rendered.text,
                # Its own for each: mailboxes keep one mail of those with the same Message-ID.
                token=f"{urls.token}.{secrets.token_hex(8)}",
                unsubscribe_url=urls.unsubscribe,
                date=timezone.now(),
            ),
        )
        for address in addresses[:MOST_ADDRESSES]
    ]
    server = server_of(relay)
    exchange = _send(server, relay.bounce_address or sender.email, addresses, contents)
    # In a thread of its own, as the caller's may run a loop already; the context has the language.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, asyncio.run, exchange).result()


async def _send(
    server: Server, envelope_from: str, addresses: Sequence[str], contents: Sequence[bytes]
) -> list[TestResult]:
    connection = Connection(server)
    results = []
    try:
        async with asyncio.timeout(TIMEOUT):
            await connection.open()
            for address, content in zip(addresses, contents, strict=False):
                outcome = await connection.send(
                    envelope_from, address, content, handing_over=lambda: None
                )
                words = f"{outcome.code} {outcome.words}" if outcome.code else outcome.words
                results.append(TestResult(address, outcome.end is End.TAKEN, words))
    except ConnectError as error:
        words = error.words
    except TimeoutError:
        words = _("No answer within %(count)d seconds.") % {"count": TIMEOUT}
    else:
        await connection.quit()
        return results
    connection.close()
    return results + [TestResult(a, ok=False, reply=words) for a in addresses[len(results) :]]
