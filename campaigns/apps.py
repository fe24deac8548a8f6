from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        # What apps add to the home page (campaigns.home).
        autodiscover_modules("steps", "needs")
        import campaigns.senders  # noqa: F401, PLC0415  # registers itself
