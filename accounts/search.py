"""The actions of accounts in the search (Ctrl-K)."""

from django.utils.translation import gettext_lazy as _

from pages import search

search.actions.add(search.Action(_("Invite a member"), "user-plus", "invite_member"))
