"""First steps in a new workspace."""

from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest
from campaigns import home
from contacts.models import Contact
from sending.models import BounceMailbox, Mailing, Relay


@home.step("import", order=10)
def import_people(request: WorkspaceRequest) -> home.Step:
    return home.Step(
        _("Import your contacts"),
        _("A CSV file from your last tool, a shop or a spreadsheet; columns are recognised."),
        done=Contact.objects.filter(workspace=request.workspace).exists(),
        url=home.url(request, "new_import"),
    )


@home.step("sandbox", order=20)
def sandbox(request: WorkspaceRequest) -> home.Step:
    return home.Step(
        _("Send a campaign to the sandbox"),
        _(
            "The sandbox accepts mail like a real server and delivers it to nobody, so you can "
            "try everything."
        ),
        done=Mailing.objects.filter(workspace=request.workspace).exists(),
        url=home.url(request, "new_campaign"),
    )


@home.step("relay", order=40)
def relay(request: WorkspaceRequest) -> home.Step:
    relays = Relay.objects.filter(workspace=request.workspace, is_sandbox=False, archived_at=None)
    return home.Step(
        _("Connect a relay"),
        _("The SMTP server that your mails leave through. Its limits are kept by themselves."),
        done=relays.exists(),
        url=home.url(request, "new_relay"),
    )


@home.step("bounces", order=50)
def bounces(request: WorkspaceRequest) -> home.Step:
    mailboxes = BounceMailbox.objects.filter(workspace=request.workspace, is_sandbox=False)
    return home.Step(
        _("Collect bounces"),
        _("Name the mailbox that mails come back to, and addresses that are gone get no more."),
        done=mailboxes.exists(),
        url=home.url(request, "new_mailbox"),
    )


@home.step("send", order=60)
def send(request: WorkspaceRequest) -> home.Step:
    real = Mailing.objects.filter(workspace=request.workspace).exclude(relay__is_sandbox=True)
    return home.Step(
        _("Send your first campaign"),
        _("Choose recipients and a design, read the check, then schedule it or send it now."),
        done=real.exists(),
        url=home.url(request, "new_campaign"),
    )
