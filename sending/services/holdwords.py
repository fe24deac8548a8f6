"""Texts about a hold in the reader's language: for pages, mails and the command line."""

from django.utils.translation import gettext as _

from pages import locales, reasons
from relays import providers
from relays.models import PoolMember
from sending.models import Hold, Mailing


def title(one: Hold) -> str:
    """ "QQ Mail is held" """
    if one.released_at:
        return _title_of_released(one)
    if one.kind == Hold.Kind.LANE:
        return _("{provider} is held").format(provider=providers.label(one.lane))
    if one.kind == Hold.Kind.RELAY:
        return _("The relay {relay} is stopped").format(relay=one.relay.name)
    if one.kind == Hold.Kind.ROUTE:
        return _("The relay {relay} is left out").format(relay=one.relay.name)
    return reasons.text(one.reason)


def _title_of_released(one: Hold) -> str:
    """The hold was released, but nobody has decided about the refused messages."""
    if one.kind == Hold.Kind.LANE:
        return _("{provider} was held").format(provider=providers.label(one.lane))
    if one.kind == Hold.Kind.RELAY:
        return _("The relay {relay} was stopped").format(relay=one.relay.name)
    if one.kind == Hold.Kind.ROUTE:
        return _("The relay {relay} was left out").format(relay=one.relay.name)
    return reasons.text(one.reason)


def sentence(one: Hold) -> str:
    """ "QQ Mail is held: 38 of 50 refused." """
    if not numbers(one):
        return title(one)
    return _("{what}: {numbers}").format(what=title(one), numbers=numbers(one))


def numbers(one: Hold) -> str:
    """How much was refused, or why one refusal was enough."""
    if one.refused:
        return _("{refused} of {decided} refused").format(
            refused=locales.number(one.refused), decided=locales.number(one.decided)
        )
    return reasons.text(one.reason) if one.kind == Hold.Kind.ROUTE else ""


def elsewhere(one: Hold) -> str:
    """What goes on in spite of the hold, or what to do; "" while the mailing is paused."""
    if one.kind == Hold.Kind.LANE:
        if one.mailing.state != Mailing.State.SENDING:
            return ""
        others = _("Other providers continue.")
        return locales.sentences(others, _standing_by(one))
    if one.kind == Hold.Kind.ROUTE:
        return _("The other relays of the pool carry on.")
    if one.kind == Hold.Kind.RELAY:
        return _("Solve what its server reports, then start it again on the relay's page.")
    return ""


def _standing_by(one: Hold) -> str:
    """Relays of a later tier carry only while those before them can't work. A mail provider that
    refuses a mail would refuse it from them, too, and trust them less: a person decides."""
    members = PoolMember.objects.filter(pool=one.mailing.pool_id)
    mine = members.filter(relay=one.relay_id).values("tier")
    if not members.filter(tier__gt=mine).exists():
        return ""
    return _(
        "The pool's relays of later tiers do not take over automatically, because the mail itself "
        "may be the reason. If the relay {relay} is the reason, pause it: then they take over."
    ).format(relay=one.relay.name)
