class CampaignError(Exception):
    """Base of the errors of campaigns; the text tells the person why an action is not possible."""


class CampaignConflictError(CampaignError):
    """Somebody else saved the campaign after it was opened here."""
