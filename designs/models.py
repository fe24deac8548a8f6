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
    # Grows with each save. An editor that would overwrite a newer version gets an error.
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
    """The parts of a design before its merge tags were converted. The conversion can be undone
    until the design is saved again."""

    design = models.OneToOneField(
        Design, models.CASCADE, primary_key=True, related_name="unconverted"
    )
    # The version of the design that the conversion created.
    version = models.PositiveIntegerField()
    # {part: its source before}.
    parts = models.JSONField()

    def __str__(self) -> str:
        return f"{self.design_id} before version {self.version}"


class Content(models.Model):
    """An immutable, compiled copy of a design, ready to render for each recipient (Jinja2).

    In `html` and `text`, calls of `track(n)` replace counted links; n is the link's index in
    `links`. See designs.links.
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
