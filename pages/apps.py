from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from pages.registry import MODULES


class PagesConfig(AppConfig):
    name = "pages"

    def ready(self) -> None:
        # Models of all apps are loaded by now, so that one place can import what apps register.
        autodiscover_modules(*MODULES)
