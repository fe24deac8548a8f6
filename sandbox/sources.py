"""The sandbox as a source of contacts."""

from django.utils.translation import gettext_lazy as _

from contacts.provenance import Source
from contacts.sources import SourceKind, kinds

SANDBOX = Source("sandbox")

kinds.add(SourceKind(SANDBOX.kind, _("Addresses of the sandbox")))
