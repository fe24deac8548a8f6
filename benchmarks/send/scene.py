"""Actions of the benchmark inside a running installation (see tests.stack.scene)."""

import logging
import signal
from collections.abc import Callable

from django.db import connection

from benchmarks.send import design, people
from campaigns import services as campaigns
from campaigns.models import Campaign
from contacts.models import List
from designs.models import Design
from relays.models import Relay
from tests.stack import scene


def prepare(sizes: list[int]) -> None:
    people.make(sizes)


def add_relay(port: int, connections: int) -> int:
    """Returns its id."""
    return people.relay_to(Design.objects.get().workspace, port, connections=connections).pk


def compose_campaign(size: int, relay: int) -> int:
    """Makes a draft to the list of that size and waits for pending writes. Returns its id."""
    spring = Design.objects.get()
    campaign = campaigns.create(spring.workspace, name=f"Spring to {size}")
    changes = {
        "from_name": "Brand",
        "from_email": design.FROM,
        "subject": spring.subject,
        "preheader": spring.preheader,
        "design": spring,
        "relay": Relay.objects.get(pk=relay),
        "lists_in": [List.objects.get(name=f"{size} people")],
    }
    campaigns.save(campaign, changes, version=campaign.version)
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    return campaign.pk


def start(campaign: int) -> None:
    """Starts the campaign as the page's button does."""
    campaigns.start_now(Campaign.objects.get(pk=campaign))


CALLS: dict[str, Callable[..., object]] = {
    call.__name__: call for call in (prepare, add_relay, compose_campaign, start)
}


def serve() -> None:
    # It ends with its standard input. On Ctrl-C the benchmark closes that.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.disable(logging.INFO)
    scene.serve(CALLS)
