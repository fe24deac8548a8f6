"""Pages of people, workspaces and members.

Of allauth only these views are mounted: there is no sign-up and nothing that we don't style.
"""

from allauth.account import views as allauth
from django.urls import URLPattern, URLResolver, path, re_path

from accounts.views import entrance, setup

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
]
