"""Pages of a relay's mails, test mails and explained replies; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from sending.views import designtest, relaymailings, replies


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


urlpatterns: list[URLPattern] = [
    view("relays/<int:pk>/replies/", relaymailings.relay_replies, "relay_replies"),
    view("relays/<int:pk>/answers/", relaymailings.relay_answers, "relay_answers"),
    view("relays/<int:pk>/today/", relaymailings.relay_today, "relay_today"),
    workspace_path(
        "designs/<int:pk>/test/",
        designtest.design_test,
        permission=Permission.EDIT_CAMPAIGNS,
        name="design_test",
    ),
    view("replies/", replies.replies, "replies"),
]
