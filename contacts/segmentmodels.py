"""Segments with the history of their rules."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from pages.singleline import SingleLineField


class Segment(models.Model):
    """The contacts that match a rule (contacts.segments.rules, as JSON). `version` is the number of
    its latest SegmentVersion."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="segments", db_index=False
    )
    name = SingleLineField(_("name"), max_length=100)
    rule = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    # How many contacts matched when they were last counted; None: not since the rule was changed.
    size = models.PositiveBigIntegerField(null=True, blank=True)
    counted_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "name"), name="segment_name_once"),
        )

    def __str__(self) -> str:
        return self.name


class SegmentVersion(models.Model):
    """A rule that a segment had or has. Restoring one makes a new version of it."""

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    rule = models.JSONField(default=dict)
    made_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("segment", "number"), name="segment_version_once"),
        )

    def __str__(self) -> str:
        return f"version {self.number} of segment {self.segment_id}"


class SegmentDay(models.Model):
    """The count of a segment on a day of its workspace."""

    class Problem(models.TextChoices):
        SLOW = "slow", _("took too long to count")
        BROKEN = "broken", _("can't be used")

    segment = models.ForeignKey(Segment, models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    counted_at = models.DateTimeField(auto_now_add=True)
    # That of the rule.
    version = models.PositiveIntegerField()
    # None: `problem` says why.
    size = models.PositiveBigIntegerField(null=True)
    problem = models.CharField(max_length=6, choices=Problem.choices, blank=True)
    # Who joined and left since an earlier day; None: nobody knows.
    since = models.DateField(null=True)
    joined = models.PositiveBigIntegerField(null=True)
    left = models.PositiveBigIntegerField(null=True)
    # Whether its people are stored.
    kept = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("segment", "day"), name="segment_day_once"),)

    def __str__(self) -> str:
        return f"{self.day} of segment {self.segment_id}"


class SegmentDayPart(models.Model):
    """Some contacts of a count, as in SegmentCopyPart, with those who joined and who departed since
    the count before. Contacts may have been deleted since."""

    day = models.ForeignKey(SegmentDay, models.CASCADE, related_name="parts", db_index=False)
    number = models.BigIntegerField()
    contacts = ArrayField(models.BigIntegerField())
    joined = ArrayField(models.BigIntegerField())
    departed = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("day", "number"), name="segment_day_part_once"),
        )

    def __str__(self) -> str:
        return f"part {self.number} of the count {self.day_id}"


class SegmentCopy(models.Model):
    """The contacts who matched a segment's rule at one moment. It outlives the segment, whose name
    and rule it keeps."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+")
    # The id that the segment has, or had.
    segment_number = models.BigIntegerField()
    name = SingleLineField(max_length=100)
    rule = models.JSONField(default=dict)
    made_at = models.DateTimeField(auto_now_add=True)
    # How many contacts it has.
    size = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"copy {self.pk} of segment {self.segment_number}"


class SegmentCopyPart(models.Model):
    """Some contacts of a copy: of the ids with the same quotient by 1,024 (queries.copies). So a
    million contacts are a thousand rows, which are written and read in a second."""

    copy = models.ForeignKey(SegmentCopy, models.CASCADE, related_name="parts", db_index=False)
    number = models.BigIntegerField()
    contacts = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("copy", "number"), name="segment_copy_part_once"),
        )

    def __str__(self) -> str:
        return f"part {self.number} of copy {self.copy_id}"
