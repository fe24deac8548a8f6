import sys
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

from relays import providers
from smtp import replies
from smtp.replies import rules


class RelaysConfig(AppConfig):
    name = "relays"

    def ready(self) -> None:
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
