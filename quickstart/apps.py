from django.apps import AppConfig


class QuickstartConfig(AppConfig):
    name = "quickstart"

    def ready(self) -> None:
        from accounts.services import workspaces  # noqa: PLC0415 - models are ready only now
        from quickstart import services  # noqa: PLC0415

        workspaces.on_created(services.provision)
