"""One value of a contact, changed where it is shown; without scripts, on a page of its own."""

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render

from accounts.access import WorkspaceRequest, get_in
from contacts.attributeforms import ValueForm
from contacts.models import Attribute, Contact
from contacts.services import contacts as service
from pages import overtaken

VALUE, FORM, PAGE = (
    f"contacts/{name}.html"
    for name in ("parts/contact_value", "parts/contact_value_form", "contact_value")
)


def contact_value(request: WorkspaceRequest, pk: int, attribute_pk: int) -> HttpResponseBase:
    """The form of a value, or with `show` the value itself; by POST, saves it."""
    attribute = get_in(request.workspace, Attribute, pk=attribute_pk)
    if request.method == "POST":
        return _saved(request, pk, attribute)
    person = get_in(request.workspace, Contact, pk=pk)
    if request.GET.get("show"):
        return _shown(request, person, attribute)
    return _asked(request, person, attribute, ValueForm(attribute=attribute, contact=person))


@transaction.atomic
def _saved(request: WorkspaceRequest, pk: int, attribute: Attribute) -> HttpResponseBase:
    # Locked, so that what the form was opened with is compared with what is overwritten.
    get_in(request.workspace, Contact, pk=pk)
    person = Contact.objects.select_for_update(no_key=True).get(pk=pk)
    form = ValueForm(request.POST, attribute=attribute, contact=person)
    if not form.is_valid() or overtaken.is_overtaken(form):
        return _asked(request, person, attribute, form)
    service.set_value(person, attribute, form.cleaned_data["value"])
    return _shown(request, person, attribute)


def _asked(
    request: WorkspaceRequest, person: Contact, attribute: Attribute, form: ValueForm
) -> HttpResponse:
    context = {"person": person, "attribute": attribute, "form": form}
    return render(request, FORM if request.htmx else PAGE, context)


def _shown(request: WorkspaceRequest, person: Contact, attribute: Attribute) -> HttpResponseBase:
    if request.htmx:
        return render(request, VALUE, {"person": person, "attribute": attribute})
    return redirect("contact", request.workspace.slug, person.pk)
