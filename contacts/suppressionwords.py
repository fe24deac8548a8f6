"""Suppressions in words: what one is about, and how long it lasts."""

from django.utils import timezone
from django.utils.translation import gettext as _

from contacts import addresses
from contacts.suppressionmodels import Suppression
from pages import locales


def value(one: Suppression) -> str:
    """What it is about: an address, @domain, a pattern, or an erased person."""
    if one.kind == Suppression.Kind.ERASED:
        return _("an erased person")
    shown = addresses.display(one.value)
    return f"@{shown}" if one.kind == Suppression.Kind.DOMAIN else shown


def until(one: Suppression) -> str:
    """ "until 3 March 2027" or, afterwards, "ended 3 March 2027"; "" for one that lasts."""
    if one.until is None:
        return ""
    day = locales.day(timezone.localtime(one.until).date())
    if one.until > timezone.now():
        return _("until {day}").format(day=day)
    return _("ended {day}").format(day=day)


def reason(one: Suppression) -> str:
    """Such as: Soft bounces, until 3 March 2027."""
    return ", ".join(filter(None, (str(one.get_reason_display()), until(one))))


def sentence(one: Suppression) -> str:
    """What it does."""
    kinds = Suppression.Kind
    if one.kind == kinds.ERASED:
        return _("The person with this address asked to be erased. The address gets no mail.")
    if one.kind == kinds.DOMAIN:
        return _("Nobody at {domain} gets mail.").format(domain=addresses.display(one.value))
    if one.kind == kinds.PATTERN:
        return _("Addresses like {pattern} get no mail.").format(pattern=value(one))
    if one.reason == Suppression.Reason.PAUSED:
        return _("This address gets no advertising for a time.")
    return _("This address gets no mail.")
