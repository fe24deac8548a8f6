"""The check of a whole import file, which a worker does while a page shows how far it is."""

from django.db import models


class ImportCheck(models.Model):
    """What an import would do with the choices of a person. One for each import: other choices
    begin it anew (contacts.services.wholechecks)."""

    class State(models.TextChoices):
        READING = "reading"  # a worker reads, or is waited for
        ENDED = "ended"  # of all lines, or of those that a person did not want to wait for
        FAILED = "failed"

    of_import = models.OneToOneField(
        "contacts.Import",
        models.CASCADE,
        primary_key=True,
        related_name="whole_check",
        db_column="import_id",
    )
    # A digest of the choices and answers that it is about.
    basis = models.CharField(max_length=64)
    state = models.CharField(max_length=7, choices=State.choices, default=State.READING)
    # What was found so far: contacts.services.wholechecks.
    found = models.JSONField(default=dict)
    # {kind of contacts.services.checkedlines: its first lines}, when it has ended.
    lines = models.JSONField(default=dict)
    # When a page last asked for it: nobody waits for a check whose pages are closed.
    asked_at = models.DateTimeField(auto_now_add=True)
    # The lease of a worker, which is named by a random `holder`.
    leased_until = models.DateTimeField(null=True, blank=True)
    holder = models.CharField(max_length=32, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("asked_at",),
                name="import_check_due",
                condition=models.Q(state="reading"),
            ),
        )

    def __str__(self) -> str:
        return f"check of {self.of_import_id}: {self.state}"
