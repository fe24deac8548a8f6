"""Pages for the person who runs the installation."""

from django.urls import URLPattern

from accounts.access import workspace_path
from accounts.permissions import Permission
from operations import restored

urlpatterns: list[URLPattern] = [
    workspace_path(
        "restored/",
        restored.restored,
        permission=Permission.MANAGE_WORKSPACE,
        name="restored",
    ),
]
