from django.apps import AppConfig


class SendingConfig(AppConfig):
    name = "sending"

    def ready(self) -> None:
        import sending.queries.engagement  # noqa: PLC0415  # registers itself
        import sending.queries.parts  # noqa: PLC0415  # registers itself
        import sending.timeline  # noqa: F401, PLC0415  # registers itself
        from accounts.services import workspaces  # noqa: PLC0415  # models are ready only now
        from designs.previews import use_urls  # noqa: PLC0415  # models are ready only now
        from relays.services import usage  # noqa: PLC0415
        from sending.compose.publicurls import MessageUrls  # noqa: PLC0415
        from sending.compose.tokens import NOBODY  # noqa: PLC0415
        from sending.services import mailings, relaymailings  # noqa: PLC0415
        from sending.views.relaymailings import CARDS  # noqa: PLC0415

        # Previews lead to pages that change nothing.
        use_urls(lambda: MessageUrls(NOBODY, track_opens=False))
        workspaces.on_deleted(mailings.stop_all)
        usage.uses.add(relaymailings.USE)
        usage.panels.add(CARDS)
