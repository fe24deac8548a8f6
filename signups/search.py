"""Forms in Ctrl-K."""

from collections.abc import Iterable
from typing import cast

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest
from pages import search
from signups.models import SignupForm

search.actions.add(search.Action(gettext_lazy("New form"), "plus", "new_signup_form"))


@search.contributors.add
def forms(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    here = cast("WorkspaceRequest", request)
    found = SignupForm.objects.filter(workspace=here.workspace, name__icontains=text)
    for one in found.order_by("name")[: search.LIMIT]:
        url = reverse("signup_form", args=[here.workspace.slug, one.pk])
        yield search.SearchHit(_("Form"), one.name, url, "clipboard-list")
