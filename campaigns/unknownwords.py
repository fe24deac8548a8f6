"""Sentences about decisions on messages whose result is not known."""

from django.utils.translation import ngettext

from pages import locales


def resent(count: int) -> str:
    text = ngettext("{count} message is sent again.", "{count} messages are sent again.", count)
    return text.format(count=locales.number(count))


def counted(count: int) -> str:
    text = ngettext("{count} message counts as sent.", "{count} messages count as sent.", count)
    return text.format(count=locales.number(count))
