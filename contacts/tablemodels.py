"""How people look at the table of contacts: their columns and views; and the files of exports."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User, Workspace
from pages.singleline import SingleLineField


class SavedView(models.Model):
    """A filter, a sort order and columns of the table of contacts, by a name. It belongs to one
    person, or to everybody in the workspace (`shared`). It stores ids: what they name may be gone
    (contacts.services.filterwords)."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="saved_views", db_index=False
    )
    # Who made it; a private view is only this person's.
    owner = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    name = SingleLineField(_("name"), max_length=100)
    shared = models.BooleanField(default=False)
    # {parameter of the page's URL: value}, the sort order included.
    parameters = models.JSONField(default=dict)
    # Keys of contacts.peoplecolumns, in their order.
    columns = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("workspace", "name"),
                name="shared_view_name_once",
                condition=models.Q(shared=True),
            ),
            models.UniqueConstraint(
                fields=("workspace", "owner", "name"),
                name="private_view_name_once",
                condition=models.Q(shared=False),
            ),
        )

    def __str__(self) -> str:
        return self.name


class TableSettings(models.Model):
    """One person's table of contacts in one workspace. `columns`: null is the default choice."""

    workspace = models.ForeignKey(Workspace, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+", db_index=False)
    columns = models.JSONField(null=True)
    # The view that the page of contacts begins with.
    default_view = models.ForeignKey(
        SavedView, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("workspace", "user"), name="table_settings_once"),
        )

    def __str__(self) -> str:
        return f"table of {self.user_id} in {self.workspace_id}"


class ExportFile(models.Model):
    """The file that a job wrote; deleted some time later (contacts.services.exportfiles)."""

    job = models.OneToOneField("contacts.Job", models.CASCADE, related_name="file")
    name = SingleLineField(max_length=255)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return self.name


class ExportPiece(models.Model):
    """A piece of such a file, so that any web server can send it."""

    file = models.ForeignKey(ExportFile, models.CASCADE, related_name="pieces", db_index=False)
    number = models.IntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file", "number"), name="export_piece_once"),
        )

    def __str__(self) -> str:
        return f"{self.file_id}[{self.number}]"
