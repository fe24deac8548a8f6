"""Rows that say where they came from, in two columns (contacts.provenance)."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.provenance import Source


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
