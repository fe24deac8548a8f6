"""Search results of contacts for Ctrl-K."""

from collections.abc import Iterable
from typing import cast
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import WorkspaceRequest
from contacts import addresses, names, suppressionwords
from contacts.models import Contact, List
from contacts.queries import people as people_query
from contacts.segmentmodels import Segment
from pages import locales, search

search.actions.add(search.Action(gettext_lazy("Import contacts"), "file-import", "new_import"))
search.actions.add(search.Action(gettext_lazy("Add contact"), "user-plus", "new_contact"))
search.actions.add(search.Action(gettext_lazy("New list"), "plus", "new_list"))
search.actions.add(search.Action(gettext_lazy("New segment"), "plus", "new_segment"))


@search.contributors.add
def people(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    here = cast("WorkspaceRequest", request)
    # One or two Latin letters match half of all addresses: useless and slow. One hanzi may be a
    # name.
    if len(text) < 3 and text.isascii():
        return
    found = people_query.search(Contact.objects.filter(workspace=here.workspace), text)
    for person in found.order_by("-pk")[: search.LIMIT]:
        url = reverse("contact", args=[here.workspace.slug, person.pk])
        name = names.full(person.first_name, person.last_name, person.full_name)
        yield search.SearchHit(
            _("Person"), addresses.display(person.email), url, "user", detail=name
        )


@search.contributors.add
def former_addresses(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    """The contacts that had exactly this address before."""
    here = cast("WorkspaceRequest", request)
    address = people_query.as_stored(text.strip()).lower()
    if "@" not in address:
        return
    found = Contact.objects.filter(workspace=here.workspace, former_addresses__address=address)
    for person in found.exclude(email=address).distinct().order_by("-pk")[: search.LIMIT]:
        url = reverse("contact", args=[here.workspace.slug, person.pk])
        detail = _("had the address {address} before").format(address=addresses.display(address))
        yield search.SearchHit(
            _("Person"), addresses.display(person.email), url, "user", detail=detail
        )


@search.contributors.add
def suppressions(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    """Suppressions of the typed address or domain, also without a contact."""
    here = cast("WorkspaceRequest", request)
    for one in people_query.suppressions_of(here.workspace, text):
        if one.everywhere:
            page = reverse("why_no_mail", args=[here.workspace.slug])
            url = f"{page}?{urlencode({'q': text})}"
        else:
            url = f"{reverse('suppressions', args=[here.workspace.slug])}?id={one.pk}"
        detail = f"{one.get_reason_display()} · {locales.absolute(one.created_at)}"
        yield search.SearchHit(
            _("Suppression"), suppressionwords.value(one), url, "ban", detail=detail
        )


@search.contributors.add
def lists(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    here = cast("WorkspaceRequest", request)
    found = List.objects.filter(workspace=here.workspace, name__icontains=text)
    for one in found.order_by("name")[: search.LIMIT]:
        url = reverse("list", args=[here.workspace.slug, one.pk])
        yield search.SearchHit(_("List"), one.name, url, "list")


@search.contributors.add
def segments(request: HttpRequest, text: str) -> Iterable[search.SearchHit]:
    here = cast("WorkspaceRequest", request)
    found = Segment.objects.filter(workspace=here.workspace, name__icontains=text)
    for one in found.order_by("name")[: search.LIMIT]:
        url = reverse("segment", args=[here.workspace.slug, one.pk])
        yield search.SearchHit(_("Segment"), one.name, url, "filter")
