"""Pages of the mail sandbox. The platform's own mails belong to no workspace."""

from django.urls import URLPattern, path

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from sandbox import views


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


urlpatterns = [
    view("sandbox/", views.sandbox, "sandbox"),
    view("sandbox/addresses/", views.sandbox_addresses, "sandbox_addresses"),
    view("sandbox/<int:pk>/", views.sandbox_mail, "sandbox_mail"),
    view("sandbox/<int:pk>/frame/", views.sandbox_frame, "sandbox_frame"),
    view("sandbox/<int:pk>/source.eml", views.sandbox_source, "sandbox_source"),
    workspace_path(
        "sandbox/clear/",
        views.clear_sandbox,
        permission=Permission.EDIT_CAMPAIGNS,
        name="clear_sandbox",
    ),
    workspace_path(
        "sandbox/list/",
        views.make_sandbox_list,
        permission=Permission.EDIT_CONTACTS,
        name="make_sandbox_list",
    ),
    path("platform-mails/", views.platform_mails, name="platform_mails"),
    path("platform-mails/<int:pk>/", views.platform_mail, name="platform_mail"),
    path("platform-mails/<int:pk>/frame/", views.platform_frame, name="platform_frame"),
]
