"""The first step that the sandbox makes easier."""

from dataclasses import replace

from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from home import steps, todo
from sandbox.services import sandbox


@todo.steps.under("import", order=10, replace=True)
def import_people(request: WorkspaceRequest) -> todo.FirstStep:
    """Offers sandbox addresses to a person without a file to import."""
    step = steps.import_people(request)
    url = todo.url(request, "make_sandbox_list")
    if step.done or not url or not sandbox.has_sandbox(request.workspace):
        return step
    text = _(
        "No file at hand? Start with contacts of the sandbox: some of them bounce or complain."
    )
    return replace(step, offer=todo.Offer(_("Create a list of sandbox addresses"), text, url))
