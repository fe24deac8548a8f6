"""What stays of messages that were dropped."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from sending.models.ledger import Mailing


class PastRecipients(models.Model):
    """Whom messages were to whose rows were dropped: what a link in an old mail needs, above all
    unsubscribe. About seven bytes a message: those of one mailing among 1,024 neighbouring ids
    stand in parallel lists, sorted by id."""

    # The ids of a row have id >> SHIFT in common.
    SHIFT = 10

    mailing = models.ForeignKey(
        Mailing, models.CASCADE, related_name="past_recipients", db_index=False
    )
    # id >> SHIFT
    span = models.BigIntegerField()
    # The rest of each id, below 1 << SHIFT.
    offsets = ArrayField(models.SmallIntegerField(), default=list)
    contacts = ArrayField(models.BigIntegerField(null=True), default=list)
    # Addresses where the contact has another one, or is none; null: of nobody.
    addresses = ArrayField(models.CharField(max_length=320, null=True), null=True)
    # Numbers of variants; null: all have the first.
    variants = ArrayField(models.SmallIntegerField(), null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("span", "mailing"), name="past_recipients_once"),
        )
        indexes = (models.Index(fields=("mailing",), name="past_recipients_of_mailing"),)

    def __str__(self) -> str:
        return f"past recipients of {self.mailing_id} from message {self.span << self.SHIFT}"
