from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class ContactsConfig(AppConfig):
    name = "contacts"

    def ready(self) -> None:
        from contacts import tasks  # noqa: PLC0415  # models are ready only now
        from contacts.services import jobs  # noqa: PLC0415

        autodiscover_modules("sources", "jobs")
        jobs.use_worker(tasks.ask_for_job)
