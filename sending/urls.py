"""What relays did for mailings, test mails and replies explained; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from relays.views import relays
from sending.views import designtest, replies


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


urlpatterns: list[URLPattern] = [
    view("relays/<int:pk>/replies/", relays.relay_replies, "relay_replies"),
    view("relays/<int:pk>/answers/", relays.relay_answers, "relay_answers"),
    view("relays/<int:pk>/today/", relays.relay_today, "relay_today"),
    workspace_path(
        "designs/<int:pk>/test/",
        designtest.design_test,
        permission=Permission.EDIT_CAMPAIGNS,
        name="design_test",
    ),
    view("replies/", replies.replies, "replies"),
]
