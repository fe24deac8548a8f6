"""Values of attributes a second time, in narrow rows, for conditions of segments."""

from django.db import models

# Characters of `IndexedValue.text`. An index entry of PostgreSQL holds at most 2,700 bytes.
HEAD = 200


class Indexing(models.TextChoices):
    """Whether the values of an attribute are indexed."""

    NO = ""
    # Rows that change are indexed already, older ones step by step (contacts.services.indexing).
    FILLING = "filling"
    READY = "ready"


class IndexedValue(models.Model):
    """A contact's value of an attribute that segments ask for. A count reads an index of these
    rows, and no wide row of contacts.

    Triggers of the database keep them (migration 0002), whoever writes contacts. The forms of a
    value are made by `contacts_indexed`, in one place. No foreign keys in the database: the
    triggers see to it that a row goes with its contact, and checks would double the cost of a row.
    """

    pk = models.CompositePrimaryKey("contact_id", "attribute_id")
    attribute = models.ForeignKey(
        "Attribute",
        models.CASCADE,
        related_name="indexed_values",
        db_index=False,
        db_constraint=False,
    )
    contact_id = models.BigIntegerField()
    # Folded (contacts.segments.predicates.FOLDED), the first HEAD characters. Of a date YYYY-MM-DD;
    # what is no date begins with "~".
    text = models.CharField(max_length=HEAD, db_collation="C")
    # All of it, if it is longer.
    whole = models.TextField(null=True)
    # Of a number; of yes and no 1 and 0.
    number = models.DecimalField(null=True, max_digits=200, decimal_places=100)

    class Meta:
        indexes = (
            models.Index(fields=("attribute", "text", "contact_id"), name="indexed_value_text"),
            models.Index(
                fields=("attribute", "number", "contact_id"),
                name="indexed_value_number",
                condition=models.Q(number__isnull=False),
            ),
            models.Index(
                fields=("attribute",),
                name="indexed_value_long",
                condition=models.Q(whole__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.attribute_id} of {self.contact_id}: {self.text}"
