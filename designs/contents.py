"""The designs that are lost with a deleted workspace."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from accounts.services import workspaces
from designs.models import Design


@workspaces.contents.add
def contents(workspace: Workspace) -> Iterable[workspaces.Content]:
    yield _("Designs"), Design.objects.filter(workspace=workspace).count()
