"""Pages of relays, pools and bounce mailboxes; all belong to a workspace."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
