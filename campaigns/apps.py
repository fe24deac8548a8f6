from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        import campaigns.senders  # noqa: F401, PLC0415  # registers itself
        from accounts.services import workspaces  # noqa: PLC0415 - models are ready only now
        from campaigns.services import running  # noqa: PLC0415
        from sending.services import fence  # noqa: PLC0415

        fence.on_noticed(running.take_back_scheduled)
        workspaces.on_deleted(running.take_back_deleted)
