"""Counts the forms that are lost when a workspace is deleted."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from accounts.services import workspaces
from signups.models import SignupForm


@workspaces.contents.add
def contents(workspace: Workspace) -> Iterable[workspaces.Content]:
    yield _("Forms"), SignupForm.objects.filter(workspace=workspace).count()
