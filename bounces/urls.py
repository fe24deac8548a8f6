"""Pages of bounces and bounce mailboxes; all belong to a workspace."""

from django.urls import URLPattern

from accounts.access import View, workspace_path
from accounts.permissions import Permission
from bounces.views import bounces, mailboxes


def view(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.VIEW, name=name)


def manage(route: str, target: View, name: str) -> URLPattern:
    return workspace_path(route, target, permission=Permission.MANAGE_SENDING, name=name)


def lift(route: str, target: View, name: str) -> URLPattern:
    """Needs the same permission as lifting a suppression."""
    return workspace_path(route, target, permission=Permission.EDIT_CONTACTS, name=name)


urlpatterns: list[URLPattern] = [
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
