from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PagesConfig(AppConfig):
    name = "pages"

    def ready(self) -> None:
        # What the apps add to the shell.
        autodiscover_modules("navigation", "search", "activity", "reasons")
