"""Registers the sender addresses of campaigns, which test mails may use."""

from collections.abc import Iterable

from django.db.models import Max

from accounts.models import Workspace
from campaigns.models import Campaign
from relays import senders


@senders.sources.add
def addresses(workspace: Workspace) -> Iterable[str]:
    found = Campaign.objects.filter(workspace=workspace).exclude(from_email="")
    latest = found.values("from_email").annotate(latest=Max("pk")).order_by("-latest")
    return latest.values_list("from_email", flat=True)[: senders.MOST]
