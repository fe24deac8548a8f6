"""The sandbox as a source of contacts."""

from django.utils.translation import gettext_lazy as _

from contacts.sources import Kind, kinds

kinds.add(Kind("sandbox", _("Addresses of the sandbox")))
