from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # What the apps say a workspace holds (services.workspaces.contents).
        autodiscover_modules("contents")
