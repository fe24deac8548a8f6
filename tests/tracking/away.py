"""Makes a mail in the database that the environment names; prints its token. A program."""

import os
from datetime import timedelta

import django

from contacts.audience import Audience
from contacts.provenance import Source

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from accounts.models import Membership, User, Workspace  # noqa: E402
from contacts.models import Contact, List, Subscription  # noqa: E402
from designs.models import Content  # noqa: E402
from designs.services import compile_parts  # noqa: E402
from relays.models import Relay  # noqa: E402
from sending.compose import tokens  # noqa: E402
from sending.models import Message, Tally  # noqa: E402
from tests import factories  # noqa: E402 - models are ready only now

brand = Workspace.objects.create(name="Brand", slug="brand")
owner = User.objects.create_user("owner@brand.example", "correct horse battery")
Membership.objects.create(workspace=brand, user=owner, role="owner")
news = List.objects.create(workspace=brand, name="News")
contact = Contact.objects.create(workspace=brand, email="lan@example.com")
Subscription.objects.create(list=news, contact=contact)
html = '<a href="https://shop.example/">shop</a><a href="{{ unsubscribe_url }}">leave</a>'
parts = compile_parts(subject="Hi", preheader="", html=html, text="", track_clicks=True)
mailing = factories.make_mailing(
    brand,
    source=Source("campaign", 7),
    content=Content.objects.create(workspace=brand, **parts),
    from_email="news@brand.example",
    relay=Relay.objects.create(workspace=brand, name="R", host="127.0.0.1"),
    audience=Audience.of_lists(brand.pk, [news.pk]).as_json(),
    retry_for=timedelta(days=1),
)
Tally.objects.create(mailing=mailing, targeted=1, accepted=1)
message = Message.objects.create(
    mailing=mailing, contact_id=contact.pk, address=contact.email, state=Message.State.ACCEPTED
)
print(tokens.make(message.pk))  # noqa: T201
