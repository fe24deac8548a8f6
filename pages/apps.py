from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from environment import logs
from pages.registry import MODULES


class PagesConfig(AppConfig):
    name = "pages"

    def ready(self) -> None:
        from pages.committed import when_committed  # noqa: PLC0415 - settings are ready only now

        logs.use_transactions(when_committed)
        # The models of all apps are loaded now, so the modules in MODULES can be imported.
        autodiscover_modules(*MODULES)
