"""Pages of relays, pools and bounce mailboxes; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from sending.views import designtest


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def manage(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.MANAGE_SENDING, name=name)


urlpatterns: list[URLPattern] = [
    workspace_path(
        "designs/<int:pk>/test/",
        designtest.design_test,
        permission=Permission.EDIT_CAMPAIGNS,
        name="design_test",
    ),
]
