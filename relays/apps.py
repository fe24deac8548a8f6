import sys
from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

from contacts import domainhints
from relays.providers import mailproviders, replyrules
from relays.providers.reading import ProviderError
from smtp import Timeouts, config, replies
from smtp.replies import rules


class RelaysConfig(AppConfig):
    name = "relays"

    def ready(self) -> None:
        config.use(smtp_config())
        use_reply_rules(settings.REPLY_RULES)
        use_providers(settings.MAIL_PROVIDERS)
        domainhints.use(mailproviders.numbers)


def smtp_config() -> config.Config:
    return config.Config(
        ehlo_name=settings.EHLO_NAME,
        private_servers=settings.PRIVATE_SERVERS,
        timeouts=Timeouts().scaled(settings.SMTP_TIMEOUTS_PERCENT / 100),
    )


def use_reply_rules(path: str) -> None:
    """Loads the operator's own rules, which come before ours (docs/operators/replies.md). A wrong
    file stops the start, like any wrong setting. Our rules are loaded with the first reply."""
    try:
        own = rules.read_file(Path(path), own=True) if path else rules.Rules()
    except replies.RuleError as error:
        sys.exit(f"Yanshu can't start: YANSHU_REPLY_RULES: {error}")
    replies.use(own=own, providers=replyrules.reply_rules)


def use_providers(path: str) -> None:
    """Loads the operator's own mail providers, which come before ours (docs/operators/relays.md).
    A wrong file stops the start."""
    try:
        mailproviders.use(path)
    except ProviderError as error:
        sys.exit(f"Yanshu can't start: YANSHU_MAIL_PROVIDERS: {error}")
