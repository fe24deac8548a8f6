"""What the rules of markets mean for a campaign, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import markets
from accounts.markets import Market, MarketRules
from campaigns.wording import listed


@dataclass(frozen=True, slots=True)
class MarketFigure:
    """The recipients in a market, and what its rules ask."""

    market: Market
    count: int
    asks: str


def figures(counted: Mapping[int, int]) -> list[MarketFigure]:
    """`counted`: {bits of markets: recipients}. Who is in several markets counts in each."""
    found = []
    for market in markets.markets().values():
        count = sum(number for bits, number in counted.items() if bits & market.bit)
        if count:
            found.append(MarketFigure(market, count, asks(market.rules)))
    return found


def needing(counted: Mapping[int, int], rule: str) -> list[Market]:
    """The markets with recipients that have this rule (a field of MarketRules)."""
    return [one.market for one in figures(counted) if getattr(one.market.rules, rule)]


def asks(rules: MarketRules) -> str:
    """ "the subject begins with 广告 or AD, …", of one market."""
    said = []
    if (mark := rules.subject_mark) is not None:
        words = (mark.chinese.rstrip("： "), mark.other.rstrip(": "))
        said.append(
            _("the subject begins with {chinese} or {other}").format(
                chinese=words[0], other=words[1]
            )
        )
    if rules.consent:
        said.append(_("only people who agreed"))
    if rules.opens_with_consent:
        said.append(_("opens are counted only with consent"))
    if rules.postal_address:
        said.append(_("your postal address in the mail"))
    if days := rules.contact_days:
        text = ngettext(
            "an e-mail address for replies that works for {days} day",
            "an e-mail address for replies that works for {days} days",
            days,
        )
        said.append(text.format(days=days))
    if days := rules.unsubscribe_days:
        text = ngettext(
            "an unsubscribe link that works for {days} day",
            "an unsubscribe link that works for {days} days",
            days,
        )
        said.append(text.format(days=days))
    return listed(said)
