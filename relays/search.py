"""Relays, pools and their actions in the search (Ctrl-K)."""

from collections.abc import Iterable
from typing import cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest
from pages import search
from relays.models import Relay

search.actions.add(search.Action(gettext_lazy("New relay"), "plus", "new_relay"))


@search.contributors.add
def relays(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    here = cast("WorkspaceRequest", request)
    found = Relay.objects.filter(workspace=here.workspace, name__icontains=text, archived_at=None)
    for relay in found.order_by("name")[: search.LIMIT]:
        url = reverse("relay", args=[here.workspace.slug, relay.pk])
        detail = "" if relay.managed else relay.host
        yield search.SearchHit(_("Relay"), relay.name, url, "server", detail=detail)
