"""What campaigns are called where they are named as the source of something."""

from collections.abc import Collection, Mapping

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts import sources


@sources.named("campaign")
def names(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    campaigns = Campaign.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(campaigns.values_list("pk", "name"))
