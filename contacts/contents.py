"""The contents of contacts that are lost when a workspace is deleted."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from accounts.services import workspaces
from contacts.models import Contact, List
from contacts.segmentmodels import Segment


@workspaces.contents.add
def contents(workspace: Workspace) -> Iterable[workspaces.Content]:
    yield _("Contacts"), Contact.objects.filter(workspace=workspace).count()
    yield _("Lists"), List.objects.filter(workspace=workspace).count()
    yield _("Segments"), Segment.objects.filter(workspace=workspace).count()
