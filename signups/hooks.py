"""Registers with apps on its left: the part of a list's form, and what goes with a contact."""

from contacts import listsettings
from contacts.queries import deleting
from signups.listfields import SETTINGS
from signups.queries.removing import OF_CONTACTS

listsettings.kinds.add(SETTINGS)
for statement in OF_CONTACTS:
    deleting.others.add(statement)
