"""The home page of a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from home import views


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


urlpatterns: list[URLPattern] = [
    view("", views.home, "home"),
    view("home/running/", views.home_running, "home_running"),
    view("home/growth/", views.home_growth, "home_growth"),
]
