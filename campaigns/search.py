"""Campaigns and their actions in the search (Ctrl-K)."""

from collections.abc import Iterable
from typing import cast

from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest
from campaigns import transitions
from campaigns.models import Campaign
from pages import search, statuses

search.actions.add(search.Action(gettext_lazy("New campaign"), "plus", "new_campaign"))


@search.contributors.add
def campaigns(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    workspace = cast("WorkspaceRequest", request).workspace
    rows = Campaign.objects.filter(
        Q(name__icontains=text) | Q(subject__icontains=text), workspace=workspace
    )
    for row in rows.select_related("mailing").order_by("-pk")[: search.LIMIT]:
        url = reverse("campaign", args=[workspace.slug, row.pk])
        detail = statuses.look(transitions.state_of(row)).label
        yield search.SearchHit(_("Campaign"), row.name, url, "send", detail=detail)
