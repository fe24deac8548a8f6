"""Registers with apps on its left: the part of a list's form, what uses a list, and what
goes with a contact."""

from contacts import contactmerge, listsettings
from contacts.contactmerge import Follower
from contacts.erasures import Trace, traces
from contacts.queries import deleting
from contacts.services import listdeleting
from signups.listfields import SETTINGS
from signups.queries import removing
from signups.queries.removing import OF_CONTACTS, move
from signups.services import forms

listsettings.kinds.add(SETTINGS)
listdeleting.users.add(forms.using_list)
contactmerge.followers.add(Follower(lambda *_: "", move, lambda _: 0), key="signups")
traces.add(
    Trace("signups", removing.words, removing.count, removing.forget), key="signups", order=30
)
for statement in OF_CONTACTS:
    deleting.others.add(statement)
