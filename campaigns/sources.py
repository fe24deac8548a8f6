"""Campaigns as sources (contacts.provenance), and their names there."""

from collections.abc import Collection, Mapping

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from campaigns.models import Campaign
from contacts.provenance import Source
from contacts.sources import SourceKind, kinds

CAMPAIGN = "campaign"


def of(campaign: Campaign) -> Source:
    """The source of the campaign's mailing and of its consequences, such as suppressions."""
    return Source(CAMPAIGN, campaign.pk)


def names(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    campaigns = Campaign.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(campaigns.values_list("pk", "name"))


kinds.add(SourceKind(CAMPAIGN, _("Campaign {number}"), names, page="campaign", people="recipients"))
