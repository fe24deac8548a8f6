"""Designs as authors edit them, and contents as workers send them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from pages.singleline import SingleLineField


class Design(models.Model):
    """An e-mail as its author edits it. `html` and `text` are kept byte for byte."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="designs")
    name = SingleLineField(_("name"), max_length=150)
    # Proposed to campaigns that use the design.
    subject = SingleLineField(_("subject"), max_length=500, blank=True)
    preheader = SingleLineField(_("preview text"), max_length=500, blank=True)
    html = models.TextField(_("HTML"), blank=True)
    # Empty: made from the HTML.
    text = models.TextField(_("plain text"), blank=True)
    # Grows with each save: an editor that saves over another's newer version is told.
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)
    archived_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("workspace", "-id"), name="design_by_id"),)

    def __str__(self) -> str:
        return self.name


class Unconverted(models.Model):
    """What a design said before its merge tags were converted: to be undone while nothing else was
    saved."""

    design = models.OneToOneField(
        Design, models.CASCADE, primary_key=True, related_name="unconverted"
    )
    # The design's, as the conversion made it.
    version = models.PositiveIntegerField()
    # By the name of the part.
    parts = models.JSONField()

    def __str__(self) -> str:
        return f"{self.design_id} before version {self.version}"


class Content(models.Model):
    """An immutable, compiled copy of a design, ready to render for each recipient (Jinja2).

    In `html` and `text`, links that are counted are replaced by calls of `track(n)`, n being the
    link's place in `links`; see designs.links.
    """

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="contents")
    design = models.ForeignKey(Design, models.SET_NULL, null=True, related_name="contents")
    subject = models.TextField()
    preheader = models.TextField(blank=True)
    html = models.TextField(blank=True)
    text = models.TextField()
    # URL templates in the order of their numbers.
    links = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"content {self.pk}: {self.subject}"
