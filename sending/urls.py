"""Pages of relays, pools and bounce mailboxes; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from sending.views import (
    bounces,
    designtest,
    mailboxes,
    pools,
    relayactions,
    relays,
    relaytests,
    replies,
)


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def manage(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.MANAGE_SENDING, name=name)


def lift(route: str, target: View, name: str) -> URLPattern:
    """Lets an address get mail again, as on the page of suppressions."""
    return workspace_path(route, target, permission=Permission.EDIT_CONTACTS, name=name)


urlpatterns: list[URLPattern] = [
    view("relays/", relays.relays, "relays"),
    view("relays/now/", relays.relays_now, "relays_now"),
    manage("relays/new/", relays.new_relay, "new_relay"),
    manage("relays/try/", relaytests.try_relay, "try_relay"),
    view("relays/<int:pk>/", relays.relay_page, "relay"),
    view("relays/<int:pk>/replies/", relays.relay_replies, "relay_replies"),
    view("relays/<int:pk>/answers/", relays.relay_answers, "relay_answers"),
    view("relays/<int:pk>/today/", relays.relay_today, "relay_today"),
    view("relays/<int:pk>/now/", relays.relay_now, "relay_now"),
    view("relays/<int:pk>/hours/", relays.relay_hours, "relay_hours"),
    manage("relays/<int:pk>/edit/", relays.edit_relay, "edit_relay"),
    manage("relays/<int:pk>/test/", relaytests.test_relay, "test_relay"),
    manage("relays/<int:pk>/pause/", relayactions.pause_relay, "pause_relay"),
    manage("relays/<int:pk>/drain/", relayactions.drain_relay, "drain_relay"),
    manage("relays/<int:pk>/resume/", relayactions.resume_relay, "resume_relay"),
    manage("relays/<int:pk>/try-now/", relayactions.try_relay_now, "try_relay_now"),
    manage("relays/<int:pk>/reset/", relayactions.reset_relay, "reset_relay"),
    manage("relays/<int:pk>/lanes/<int:lane>/reset/", relayactions.reset_lane, "reset_lane"),
    manage("relays/<int:pk>/archive/", relayactions.archive_relay, "archive_relay"),
    manage("relays/pools/new/", pools.new_pool, "new_pool"),
    view("relays/pools/<int:pk>/", pools.pool_page, "pool"),
    view("relays/pools/<int:pk>/now/", pools.pool_now, "pool_now"),
    manage("relays/pools/<int:pk>/edit/", pools.edit_pool, "edit_pool"),
    manage("relays/pools/<int:pk>/delete/", pools.delete_pool, "delete_pool"),
    workspace_path(
        "designs/<int:pk>/test/",
        designtest.design_test,
        permission=Permission.EDIT_CAMPAIGNS,
        name="design_test",
    ),
    view("replies/", replies.replies, "replies"),
    view("bounces/", bounces.bounces, "bounces"),
    view("bounces/<int:pk>/", bounces.bounce, "bounce"),
    view("bounces/<int:pk>/source/", bounces.bounce_source, "bounce_source"),
    lift("bounces/<int:pk>/not/", bounces.not_a_bounce, "not_a_bounce"),
    lift("bounces/<int:pk>/count/", bounces.count_bounce, "count_bounce"),
    lift("bounces/<int:pk>/dismiss/", bounces.dismiss_bounce, "dismiss_bounce"),
    lift("bounces/unproven/count/", bounces.count_unproven, "count_unproven"),
    lift("bounces/unproven/dismiss/", bounces.dismiss_unproven, "dismiss_unproven"),
    lift("bounces/<int:pk>/again/", bounces.is_a_bounce, "is_a_bounce"),
    manage("mailboxes/", mailboxes.mailboxes, "mailboxes"),
    manage("mailboxes/new/", mailboxes.new_mailbox, "new_mailbox"),
    manage("mailboxes/try/", mailboxes.try_new_mailbox, "try_new_mailbox"),
    manage("mailboxes/<int:pk>/", mailboxes.mailbox_page, "mailbox"),
    manage("mailboxes/<int:pk>/edit/", mailboxes.edit_mailbox, "edit_mailbox"),
    manage("mailboxes/<int:pk>/try/", mailboxes.try_mailbox, "try_mailbox"),
    manage("mailboxes/<int:pk>/collect/", mailboxes.collect_mailbox, "collect_mailbox"),
    manage("mailboxes/<int:pk>/switch/", mailboxes.switch_mailbox, "switch_mailbox"),
    manage("mailboxes/<int:pk>/delete/", mailboxes.delete_mailbox, "delete_mailbox"),
]
