from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ContactsConfig(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        autodiscover_modules("sources", "jobs")
