"""The page of a person's preferences as a source (contacts.provenance)."""

from django.utils.translation import gettext_lazy as _

from contacts.provenance import Source
from contacts.sources import SourceKind, kinds

PREFERENCES = "preferences"
BY_PERSON = Source(PREFERENCES)

kinds.add(SourceKind(PREFERENCES, _("Chosen by the person, on the page of preferences")))
