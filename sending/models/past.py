"""What is kept of messages whose rows were dropped."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from sending.models.mailings import Mailing


class PastRecipients(models.Model):
    """The recipients of messages whose rows were dropped. Links in old mails need them, above all
    the unsubscribe link. About seven bytes a message: a row holds one mailing's messages among
    1,024 neighbouring ids, as parallel lists sorted by id."""

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
    # An address only where the contact's differed at the drop (Mailing.details_dropped_at) or there
    # was no contact; null: no row needs one.
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


class WaitingErasure(models.Model):
    """A message that waited when its recipient was erased (queries.erasing.forget_waiting)."""

    message_id = models.BigIntegerField()
    mailing = models.ForeignKey(
        Mailing, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("message_id", "mailing"), name="waiting_erasure_once"),
        )

    def __str__(self) -> str:
        return f"message {self.message_id}"
