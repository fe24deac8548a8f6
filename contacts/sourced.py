"""The base of models that store their source in two columns (contacts.provenance)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.provenance import Source


class Afterwards(models.TextChoices):
    """What happened later to a row made by a source (contacts.provenance): the recipient undid the
    unsubscribe by the same link, or said "no" once more by another mail."""

    NOTHING = "", ""
    TAKEN_BACK = "taken_back", _("taken back")
    SAID_AGAIN = "said_again", _("said again")


class Sourced(models.Model):
    """New rows, filters and updates take `**source.columns`."""

    # Neither is null: SQL compares both with =.
    source_id = models.BigIntegerField(default=0)
    source_kind = models.CharField(_("source"), max_length=20, blank=True, default="")

    class Meta:
        abstract = True

    @property
    def source(self) -> Source:
        return Source(self.source_kind, self.source_id)
