"""Makes a mail in the database that the environment names; prints its token. A program."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from accounts.models import Membership, User, Workspace  # noqa: E402
from contacts.models import Contact  # noqa: E402
from designs.services import compile_parts  # noqa: E402
from sending.compose import tokens  # noqa: E402
from sending.models import Message  # noqa: E402
from tests import factories  # noqa: E402 - models are ready only now

brand = Workspace.objects.create(name="Brand", slug="brand")
owner = User.objects.create_user("owner@brand.example", "correct horse battery")
Membership.objects.create(workspace=brand, user=owner, role="owner")
news = factories.make_list(brand, ["lan@example.com"], "News")
contact = Contact.objects.get()
html = '<a href="https://shop.example/">shop</a><a href="{{ unsubscribe_url }}">leave</a>'
parts = compile_parts(subject="Hi", preheader="", html=html, text="", track_clicks=True)
mailing = factories.make_mailing(
    brand,
    content=factories.make_content(brand, **parts),
    lists=[news.pk],
    tally={"targeted": 1, "accepted": 1},
)
message = Message.objects.create(
    mailing=mailing, contact_id=contact.pk, address=contact.email, state=Message.State.ACCEPTED
)
print(tokens.make(message.pk))  # noqa: T201
