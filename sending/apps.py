import sys
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

from sending import providers, replies
from sending.replies import rules


class SendingConfig(AppConfig):
    name = "sending"

    def ready(self) -> None:
        import sending.engagement  # noqa: PLC0415  # registers itself
        import sending.timeline  # noqa: F401, PLC0415  # registers itself
        from accounts.services import workspaces  # noqa: PLC0415  # models are ready only now
        from designs.previews import use_urls  # noqa: PLC0415  # models are ready only now
        from sending.publicurls import MessageUrls  # noqa: PLC0415
        from sending.services import mailings  # noqa: PLC0415
        from sending.tokens import NOBODY  # noqa: PLC0415

        # Previews lead to pages that change nothing.
        use_urls(lambda: MessageUrls(NOBODY, track_opens=False))
        workspaces.on_deleted(mailings.stop_all)
        use_reply_rules(settings.REPLY_RULES)
        check_providers()


def use_reply_rules(path: str) -> None:
    """The operator's own rules come before ours (docs/operators/replies.md). A wrong file stops the
    start, as any wrong setting does."""
    if not path:
        return
    try:
        replies.use(rules.read_file(Path(path), own=True))
    except replies.RuleError as error:
        sys.exit(f"Yanshu can't start: YANSHU_REPLY_RULES: {error}")


def check_providers() -> None:
    try:
        providers.providers()
    except providers.ProviderError as error:
        sys.exit(f"Yanshu can't start: YANSHU_MAIL_PROVIDERS: {error}")
