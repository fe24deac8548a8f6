from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class HomeConfig(AppConfig):
    name = "home"

    def ready(self) -> None:
        autodiscover_modules("steps", "needs")
