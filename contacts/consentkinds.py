"""How people agreed to get mail, of a subscription and for those of an import."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Consent(models.TextChoices):
    UNKNOWN = "unknown", _("Not known")
    EXPLICIT = "explicit", _("Agreed to get mail (opt-in)")
    CUSTOMER = "customer", _("Existing customer")
