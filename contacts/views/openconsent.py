"""The consent of one contact for counting opens, recorded or withdrawn by a colleague."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest, get_in
from contacts import provenance
from contacts.models import Contact
from contacts.services import openconsent

ANSWERS = {"give": openconsent.give, "withdraw": openconsent.withdraw}


def of(person: Contact) -> dict[str, Any]:
    """What the contact's page shows of it."""
    return {"open_consent": openconsent.of(person)}


@require_POST
def contact_open_consent(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """`answer`: give or withdraw; `text`: how the person said so."""
    person = get_in(request.workspace, Contact, pk=pk)
    act = ANSWERS.get(request.POST.get("answer", ""))
    if act is None:
        raise BadRequest
    text = request.POST.get("text", "").strip()
    changed = act([person.pk], provenance.BY_HAND, text=text, by=request.user)
    if changed:
        messages.success(request, _("Saved."))
    else:
        messages.info(request, _("That was recorded already; nothing changed."))
    return redirect("contact", request.workspace.slug, person.pk)
