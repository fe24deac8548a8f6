"""What keeps a campaign's verbs from being done."""


class CampaignError(Exception):
    """It can't be done; the text says why, to the person who asked for it."""


class VersionConflictError(CampaignError):
    """Somebody else saved the campaign since it was opened."""
