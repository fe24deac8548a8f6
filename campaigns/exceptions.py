class CampaignError(Exception):
    """Base of all that keeps a campaign's verb from being done; the text says why, to the person
    who asked for it."""


class CampaignConflictError(CampaignError):
    """Somebody else saved the campaign since it was opened."""
