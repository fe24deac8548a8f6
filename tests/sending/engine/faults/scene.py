"""A mailing over servers of the test: people, a design, relays, a pool where there are several."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from designs import services as designs
from relays.models import Pool, PoolMember, Relay
from sending.models import Mailing
from sending.services import mailings
from tests.sending.engine.faults.server import Server

HTML = (
    "<html><body><p>Dear {{ first_name|default('reader') }},</p>"
    '<a href="https://brand.example/{{ city|urlencode }}">look</a> '
    '<a href="{{ unsubscribe_url }}">unsubscribe</a></body></html>'
)
# A lane each, and one for the rest.
DOMAINS = ("x.example", "gmail.com", "qq.com", "y.example")
NUMBERS = itertools.count(1)


@dataclass
class Scene:
    mailing: Mailing
    relays: list[Relay]
    servers: list[Server]
    people: list[str]

    @property
    def relay(self) -> Relay:
        return self.relays[0]

    def accepted(self) -> int:
        return sum(len(server.mails) for server in self.servers)


def addresses(number: int) -> list[str]:
    return [f"p{n}@{DOMAINS[n % len(DOMAINS)]}" for n in range(number)]


def opened(people: Sequence[str], *servers: Server, padding: int = 0, **relay: Any) -> Scene:
    """A mailing that is being sent; `relay`: values of each relay; `padding`: about so many more
    bytes of content."""
    name = f"scene-{next(NUMBERS)}"
    workspace = Workspace.objects.create(name=name, slug=name)
    target = List.objects.create(workspace=workspace, name="Everybody")
    contacts = Contact.objects.bulk_create(
        [Contact(workspace=workspace, email=who, first_name=who) for who in people]
    )
    Subscription.objects.bulk_create([Subscription(list=target, contact=c) for c in contacts])
    values = {
        "host": "localhost",
        "security": "none",
        "connections": 2,
        "bounce_address": "bounces@brand.example",
    }
    relays = [
        Relay.objects.create(
            workspace=workspace,
            name=f"{name}-{number}",
            port=server.port,
            **values | relay,
        )
        for number, server in enumerate(servers)
    ]
    html = HTML.replace("</body>", f"<p>{'word ' * (padding // 5)}</p></body>")
    design = designs.create(workspace, designs.Draft(name="Spring", html=html))
    mailing = mailings.open_mailing(
        workspace=workspace,
        source=Source("campaign", 7),
        content=designs.freeze(design, subject="Hello {{ first_name }} 你好"),
        from_name="Brand",
        from_email="news@brand.example",
        audience=Audience.of_lists(workspace.pk, [target.pk]),
        **_route(workspace, relays),
    )
    return Scene(mailing, relays, list(servers), list(people))


def _route(workspace: Workspace, relays: list[Relay]) -> dict[str, Any]:
    if len(relays) == 1:
        return {"relay": relays[0]}
    pool = Pool.objects.create(workspace=workspace, name="All")
    PoolMember.objects.bulk_create([PoolMember(pool=pool, relay=relay) for relay in relays])
    return {"pool": pool}
