"""Designs in the search (Ctrl-K)."""

from collections.abc import Iterable
from typing import cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest
from designs.models import Design
from pages import search

search.actions.add(search.Action(gettext_lazy("New design"), "template", "new_design"))


@search.contributors.add
def designs(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    here = cast("WorkspaceRequest", request)
    found = Design.objects.filter(
        workspace=here.workspace, archived_at=None, name__icontains=text
    ).only("pk", "name", "subject")
    for one in found.order_by("-pk")[: search.LIMIT]:
        url = reverse("design", args=[here.workspace.slug, one.pk])
        yield search.SearchHit(_("Design"), one.name, url, "template", detail=one.subject)
