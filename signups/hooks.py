"""Registers with apps on its left: the part of a list's form, what uses a list or an
attribute, and what goes with a contact."""

from django.utils.translation import gettext_lazy

from contacts import attributeuses, contactmerge, listsettings, personfile
from contacts.contactmerge import Follower
from contacts.erasures import Trace, traces
from contacts.queries import deleting
from contacts.services import listdeleting
from designs import fields
from designs.fields import SpecialField
from signups import mailtexts, personfacts
from signups.listfields import SETTINGS
from signups.queries import attributes, ownoptins, removing
from signups.queries.removing import OF_CONTACTS, move
from signups.services import forms

listsettings.kinds.add(SETTINGS)
listdeleting.users.add(forms.using_list)
attributeuses.finders.add(attributes.forms_with, order=30)
attributeuses.movers.add(attributes.move_fields)
contactmerge.followers.add(Follower(lambda *_: "", move, lambda _: 0), key="signups")
contactmerge.own_opt_ins.add(ownoptins.of, key="signups")
personfile.sections.add(personfacts.SECTION, order=45)
traces.add(
    Trace("signups", removing.words, removing.count, removing.forget), key="signups", order=30
)

group = gettext_lazy("Mails about sign-ups")
for one in (
    SpecialField(
        mailtexts.CONFIRM_URL,
        gettext_lazy("Link that confirms a sign-up"),
        group,
        "https://example.com/",
    ),
    SpecialField(mailtexts.LISTS, gettext_lazy("Names of the lists to confirm"), group, "News"),
    SpecialField(mailtexts.LIST, gettext_lazy("Name of the list, to welcome"), group, "News"),
):
    fields.special.add(one)
for statement in OF_CONTACTS:
    deleting.others.add(statement)
