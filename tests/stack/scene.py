"""What a test does inside a running installation, by `manage.py shell`: the services write it.

`serve` answers one line of JSON, [function, arguments], with another. benchmarks.send.scene has
calls of its own.
"""

import json
import sys
from collections.abc import Callable, Mapping

from django.db import close_old_connections

from accounts.models import Workspace
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription
from contacts.provenance import Source
from designs import services as designs
from relays.models import Relay
from sending.models import Mailing
from sending.services import mailings

HTML = (
    "<html><body><p>Dear {{ first_name|default('reader') }},</p>"
    '<a href="https://brand.example/{{ city|urlencode }}">look</a> '
    '<a href="{{ unsubscribe_url }}">unsubscribe</a></body></html>'
)


def address(number: int) -> str:
    return f"person{number}@stack.example"


def open_mailing(people: int, port: int, connections: int) -> int:
    """A mailing to so many people by the SMTP server on this port; returns its id."""
    number = Workspace.objects.count()
    workspace = Workspace.objects.create(name="Stack", slug=f"stack-{number}")
    target = List.objects.create(workspace=workspace, name="Everybody")
    contacts = Contact.objects.bulk_create(
        Contact(workspace=workspace, email=address(n), first_name=f"Person {n}")
        for n in range(people)
    )
    Subscription.objects.bulk_create(
        [Subscription(list=target, contact=contact) for contact in contacts], batch_size=5000
    )
    relay = Relay.objects.create(
        workspace=workspace,
        name="Sink",
        host="127.0.0.1",
        port=port,
        security="none",
        connections=connections,
        bounce_address="bounces@stack.example",
    )
    design = designs.create(workspace, designs.Draft(name="Spring", html=HTML))
    mailing = mailings.open_mailing(
        workspace=workspace,
        source=Source("campaign", 1),
        content=designs.freeze(design, subject="Hello {{ first_name }} 你好"),
        from_name="Brand",
        from_email="news@stack.example",
        audience=Audience.of_lists(workspace.pk, [target.pk]),
        relay=relay,
    )
    return mailing.pk


def move(mailing: int, verb: str) -> bool:
    """pause or resume, as the page does it."""
    verbs = {"pause": mailings.pause, "resume": mailings.resume}
    return verbs[verb](Mailing.objects.get(pk=mailing))


CALLS: dict[str, Callable[..., object]] = {"open_mailing": open_mailing, "move": move}


def serve(calls: Mapping[str, Callable[..., object]] = CALLS) -> None:
    for line in sys.stdin:
        name, arguments = json.loads(line)
        close_old_connections()
        answer = calls[name](*arguments)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
