"""Services of campaigns: `drafts` before scheduling, `review` and `starting` for it, `running`
from then on."""

from campaigns.exceptions import CampaignConflictError, CampaignError
from campaigns.services.drafts import create, delete_draft, duplicate, restore, save
from campaigns.services.running import cancel, pause, resume
from campaigns.services.starting import schedule, start_due, start_now, unschedule

__all__ = [
    "CampaignConflictError",
    "CampaignError",
    "cancel",
    "create",
    "delete_draft",
    "duplicate",
    "pause",
    "restore",
    "resume",
    "save",
    "schedule",
    "start_due",
    "start_now",
    "unschedule",
]
