"""Each new workspace gets a sandbox; what pages say of its relay and its mailbox."""

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.services import workspaces
from contacts.erasures import traces
from relays.managers import Manager, managers
from sandbox.services import equipment, erasing, sandbox

workspaces.on_created.add(sandbox.provision)
traces.add(erasing.TRACE, key="sandbox", order=20)
managers.add(
    Manager(
        equipment.NAME,
        relay=_("The sandbox: it answers like a provider and delivers nothing."),
        limits=_(
            "The sandbox is part of this installation. Give it limits to see how a campaign is "
            "paced and waits."
        ),
        mailbox=_(
            "This is the mailbox of the sandbox: bounces of its make-believe recipients arrive "
            "here. It is looked after for you."
        ),
        off=lambda: "" if settings.SANDBOX else "the mail sandbox is off",
    )
)
