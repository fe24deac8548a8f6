"""Pages of people, workspaces and members.

We mount only these views of allauth: no sign-up, and no page without our style.
"""

from allauth.account import views as allauth
from django.urls import URLPattern, URLResolver, path, re_path

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from accounts.views import entrance, invitations, members, profile, setup, workspaces


def manage(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.MANAGE_MEMBERS, name=name)


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def own(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.MANAGE_WORKSPACE, name=name)


urlpatterns: list[URLPattern | URLResolver] = [
    path("", entrance.start, name="start"),
    path("setup/<str:token>/", setup.setup, name="setup"),
    path("login/", allauth.login, name="account_login"),
    path("logout/", allauth.logout, name="account_logout"),
    path("password/reset/", entrance.PasswordReset.as_view(), name="account_reset_password"),
    path("password/reset/sent/", allauth.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[-\w]+)/$",
        allauth.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/change/", profile.change_password, name="change_password"),
    path("profile/", profile.profile, name="profile"),
    path("workspaces/new/", workspaces.new_workspace, name="new_workspace"),
    path("invitations/<slug:token>/", invitations.invitation, name="invitation"),
    own("settings/", workspaces.workspace_settings, "workspace_settings"),
    own("settings/delete/", workspaces.delete_workspace, "delete_workspace"),
    view("members/", members.members, "members"),
    view("members/leave/", members.leave_workspace, "leave_workspace"),
    manage("members/invite/", members.invite_member, "invite_member"),
    manage("members/<int:pk>/", members.member, "member"),
    manage("members/<int:pk>/remove/", members.remove_member, "remove_member"),
    manage("invitations/<int:pk>/resend/", members.resend_invitation, "resend_invitation"),
    manage("invitations/<int:pk>/withdraw/", members.withdraw_invitation, "withdraw_invitation"),
]
