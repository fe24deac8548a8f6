"""What a hold is called, in the reader's language: for pages, mails and the command line."""

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
    """It holds nothing any more, but nobody has decided about those who were refused."""
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
    """What goes on meanwhile. Nothing does while the mailing is paused."""
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
    """Relays of a later tier carry while those before them can't work. A mail provider that refuses
    a mail would refuse it from them, too, and lose its trust in them: a person decides."""
    members = PoolMember.objects.filter(pool=one.mailing.pool_id)
    mine = members.filter(relay=one.relay_id).values("tier")
    if not members.filter(tier__gt=mine).exists():
        return ""
    return _(
        "The pool's relays of later tiers do not take it over by themselves: what is refused "
        "may be the mail. If it is the relay {relay}, pause it: they carry on then."
    ).format(relay=one.relay.name)
