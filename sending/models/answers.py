"""Who was sent the mails of finished mailings, and who opened and clicked, as bits: for segments,
which read them instead of the messages."""

from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from sending.models.mailings import Mailing

if TYPE_CHECKING:
    _Field = models.Field[str, str]
else:  # can't be subscripted
    _Field = models.Field


class BitsField(_Field):
    """PostgreSQL's bit(n): a text of zeros and ones in Python."""

    def __init__(self, *args: Any, length: int, **options: Any) -> None:
        self.length = length
        super().__init__(*args, **options)

    def deconstruct(self) -> Any:
        name, path, args, options = super().deconstruct()
        return name, path, args, options | {"length": self.length}

    def db_type(self, connection: Any) -> str:  # noqa: ARG002 - Django names it
        return f"bit({self.length})"


class AnswerIndex(models.Model):
    """A finished mailing whose recipients and their answers are stored as bits (AnswerBits)."""

    mailing = models.OneToOneField(
        Mailing, models.CASCADE, primary_key=True, related_name="answer_index"
    )
    # Its accepted messages when the bits were made. With another number than the tally's, the bits
    # are out of date: they are not read, and made anew.
    accepted = models.IntegerField()
    # Whether all messages have been read. Changes are written from the beginning.
    ready = models.BooleanField(default=False)
    # Contacts to be looked at again before it is ready: what was read of them may be out of date.
    again = ArrayField(models.BigIntegerField(), default=list)

    def __str__(self) -> str:
        return f"answers to {self.mailing_id}"


class AnswerBits(models.Model):
    """The contacts of one kind (queries.answers.Kind) among 4,096 neighbouring ids: the first bit
    is that of the contact `span << SHIFT`. A mailing to a million people has about 245 rows of each
    kind, 0.8 MB in all. Bits of contacts that were deleted may stay; their ids are not used again.
    """

    # The ids of a row have id >> SHIFT in common.
    SHIFT = 12
    SIZE = 1 << SHIFT

    mailing = models.ForeignKey(Mailing, models.CASCADE, related_name="+", db_index=False)
    kind = models.SmallIntegerField()
    span = models.BigIntegerField()
    bits = BitsField(length=SIZE)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("mailing", "kind", "span"), name="answer_bits_once"),
        )

    def __str__(self) -> str:
        return f"answers to {self.mailing_id} from contact {self.span << self.SHIFT}"
