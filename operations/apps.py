from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "operations"

    def ready(self) -> None:
        from operations import restored  # noqa: PLC0415 - models are ready only now
        from pages import banners  # noqa: PLC0415

        banners.register(restored.banner)
