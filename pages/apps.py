import gc

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules

from environment import logs
from pages.registry import MODULES


class PagesConfig(AppConfig):
    name = "pages"

    def import_models(self) -> None:
        # Apps load from here to `ready`, and leave no garbage; the collector would look for it
        # again and again, for a tenth of the time.
        gc.disable()
        super().import_models()

    def ready(self) -> None:
        from pages.committed import when_committed  # noqa: PLC0415 - settings are ready only now

        logs.use_transactions(when_committed)
        # The models of all apps are loaded now, so the modules in MODULES can be imported.
        autodiscover_modules(*MODULES)
        # What is loaded stays. Workers share its memory with their parent.
        gc.freeze()
        gc.enable()
