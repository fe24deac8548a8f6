from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from pages.registry import MODULES


class PagesConfig(AppConfig):
    name = "pages"

    def ready(self) -> None:
        # The models of all apps are loaded now, so the modules that register things can be
        # imported.
        autodiscover_modules(*MODULES)
