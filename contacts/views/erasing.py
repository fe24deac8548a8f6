"""The page that erases a person, known or not."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from contacts import addresses, rejects
from contacts.services import erasing as service

# Characters of what somebody typed.
LONGEST = 1000


def erase_person(request: WorkspaceRequest) -> HttpResponse:
    """`q`: the address. A GET says what would be erased; a POST erases it."""
    given = request.POST if request.method == "POST" else request.GET
    typed = given.get("q", "").strip()[:LONGEST]
    context: dict[str, object] = {"typed": typed}
    try:
        found = service.find(request.workspace, typed) if typed else None
    except addresses.AddressError as error:
        context["problem"] = rejects.text(str(error))
        return render(request, "contacts/erase_person.html", context)
    if request.method == "POST" and found is not None:
        service.erase(request.workspace, found.address, by=request.user)
        messages.success(
            request, _("The person is erased. Only a digest of the address stays, and stops mail.")
        )
        return redirect("suppressions", request.workspace.slug)
    return render(request, "contacts/erase_person.html", context | {"found": found})
