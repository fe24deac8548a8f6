"""Every URL of the site. What belongs to a workspace is under /w/<slug>/ (see accounts.access)."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
