from django.apps import AppConfig


class SandboxConfig(AppConfig):
    name = "sandbox"

    def ready(self) -> None:
        from accounts.services import workspaces  # noqa: PLC0415 - models are ready only now
        from sandbox.services import sandbox  # noqa: PLC0415

        workspaces.on_created(sandbox.provision)
