"""Every URL of the site. URLs of a workspace are under /w/<slug>/ (see accounts.access)."""

from django.urls import URLPattern, URLResolver, include, path

import pages.views
from accounts.access import workspace_path
from accounts.permissions import Permission

handler400 = "pages.views.bad_request"
handler403 = "pages.views.forbidden"
handler404 = "pages.views.not_found"
handler500 = "pages.views.server_error"
# Used by allauth's rate limits.
handler429 = "accounts.views.entrance.too_many"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("pages.urls")),
    path("", include("accounts.urls")),
    path("", include("contacts.urls")),
    path("", include("designs.urls")),
    path("", include("relays.urls")),
    path("", include("sending.urls")),
    path("", include("bounces.urls")),
    path("", include("tracking.urls")),
    path("", include("signups.urls")),
    path("", include("campaigns.urls")),
    path("", include("home.urls")),
    path("", include("sandbox.urls")),
    path("", include("operations.urls")),
    workspace_path("search/", pages.views.find, permission=Permission.VIEW, name="search"),
    workspace_path("activity/", pages.views.running, permission=Permission.VIEW, name="activity"),
]
