from django.apps import AppConfig


class QuickstartConfig(AppConfig):
    name = "quickstart"

    def ready(self) -> None:
        from accounts.services import workspaces  # noqa: PLC0415 - models are ready only now
        from pages import banners  # noqa: PLC0415
        from quickstart import restored, services  # noqa: PLC0415

        workspaces.on_created(services.provision)
        banners.register(restored.banner)
