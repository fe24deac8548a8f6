"""URLs of relays and pools; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from relays.views import actions, pools, relays, trials


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def manage(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.MANAGE_SENDING, name=name)


urlpatterns: list[URLPattern] = [
    view("relays/", relays.relays, "relays"),
    view("relays/now/", relays.relays_now, "relays_now"),
    manage("relays/new/", relays.new_relay, "new_relay"),
    manage("relays/try/", trials.try_relay, "try_relay"),
    view("relays/<int:pk>/", relays.relay_page, "relay"),
    view("relays/<int:pk>/now/", relays.relay_now, "relay_now"),
    view("relays/<int:pk>/hours/", relays.relay_hours, "relay_hours"),
    manage("relays/<int:pk>/edit/", relays.edit_relay, "edit_relay"),
    manage("relays/<int:pk>/test/", trials.test_relay, "test_relay"),
    manage("relays/<int:pk>/pause/", actions.pause_relay, "pause_relay"),
    manage("relays/<int:pk>/drain/", actions.drain_relay, "drain_relay"),
    manage("relays/<int:pk>/resume/", actions.resume_relay, "resume_relay"),
    manage("relays/<int:pk>/try-now/", actions.try_relay_now, "try_relay_now"),
    manage("relays/<int:pk>/reset/", actions.reset_relay, "reset_relay"),
    manage("relays/<int:pk>/lanes/<int:lane>/reset/", actions.reset_lane, "reset_lane"),
    manage("relays/<int:pk>/archive/", actions.archive_relay, "archive_relay"),
    manage("relays/pools/new/", pools.new_pool, "new_pool"),
    view("relays/pools/<int:pk>/", pools.pool_page, "pool"),
    view("relays/pools/<int:pk>/now/", pools.pool_now, "pool_now"),
    manage("relays/pools/<int:pk>/edit/", pools.edit_pool, "edit_pool"),
    manage("relays/pools/<int:pk>/delete/", pools.delete_pool, "delete_pool"),
]
