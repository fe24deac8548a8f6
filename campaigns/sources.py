"""What campaigns are called where they are named as the source of something."""

from collections.abc import Collection, Mapping

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts.sources import Kind, kinds


def names(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    campaigns = Campaign.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(campaigns.values_list("pk", "name"))


kinds.add(Kind("campaign", _("Campaign {number}"), names, page="campaign", people="recipients"))
