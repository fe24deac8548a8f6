"""First steps in a new workspace."""

from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from bounces.models import BounceMailbox
from contacts.models import Contact
from home import todo
from relays.models import Relay
from sending.models import Mailing


@todo.steps.under("import", order=10)
def import_people(request: WorkspaceRequest) -> todo.FirstStep:
    return todo.FirstStep(
        _("Import your contacts"),
        _("A spreadsheet, or a CSV file from your last tool or a shop; columns are recognised."),
        done=Contact.objects.filter(workspace=request.workspace).exists(),
        url=todo.url(request, "new_import"),
    )


@todo.steps.under("sandbox", order=20)
def sandbox(request: WorkspaceRequest) -> todo.FirstStep:
    return todo.FirstStep(
        _("Send a campaign to the sandbox"),
        _(
            "The sandbox accepts mail like a real server and delivers it to nobody, so you can "
            "try everything."
        ),
        done=Mailing.objects.filter(workspace=request.workspace).exists(),
        url=todo.url(request, "new_campaign"),
    )


@todo.steps.under("relay", order=40)
def relay(request: WorkspaceRequest) -> todo.FirstStep:
    relays = Relay.objects.filter(workspace=request.workspace, managed_by="", archived_at=None)
    return todo.FirstStep(
        _("Connect a relay"),
        _("The SMTP server that sends your mails. Its limits are kept automatically."),
        done=relays.exists(),
        url=todo.url(request, "new_relay"),
    )


@todo.steps.under("bounces", order=50)
def bounces(request: WorkspaceRequest) -> todo.FirstStep:
    mailboxes = BounceMailbox.objects.filter(workspace=request.workspace, managed_by="")
    return todo.FirstStep(
        _("Collect bounces"),
        _("Connect the mailbox for returned mails, and dead addresses get no more mail."),
        done=mailboxes.exists(),
        url=todo.url(request, "new_mailbox"),
    )


@todo.steps.under("send", order=60)
def send(request: WorkspaceRequest) -> todo.FirstStep:
    real = Mailing.objects.filter(workspace=request.workspace).exclude(relay__delivers=False)
    return todo.FirstStep(
        _("Send your first campaign"),
        _("Choose recipients and a design, read the check, then schedule it or send it now."),
        done=real.exists(),
        url=todo.url(request, "new_campaign"),
    )
