"""Counts the campaigns that are lost when a workspace is deleted."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from accounts.services import workspaces
from campaigns.models import Campaign


@workspaces.contents.add
def contents(workspace: Workspace) -> Iterable[workspaces.Content]:
    yield _("Campaigns"), Campaign.objects.filter(workspace=workspace).count()
