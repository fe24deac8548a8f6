"""What the rules of markets mean for a campaign, in words."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts import markets
from accounts.markets import Market, MarketRules
from campaigns.wording import listed
from pages import locales
from sending.queries import markets as markets_of


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


def overlap(counted: Mapping[int, int]) -> bool:
    """Whether a recipient is in several markets, so that the figures add up to more."""
    return any(bits.bit_count() > 1 for bits in counted)


def strange(most: Mapping[str, int], kinds: int) -> str:
    """ "“Cathay” (12), “Québec” (3) and 4 other values", of `kinds` different values."""
    said = [f"“{value}” ({locales.number(count)})" for value, count in most.items()]
    if others := kinds - len(most):
        text = ngettext("{n} other value", "{n} other values", others)
        said.append(text.format(n=locales.number(others)))
    return listed(said)


# Values of the filter by market that are no market.
NO_MARKET = {
    markets_of.NO_COUNTRY: gettext_lazy("In no market: no country is known"),
    markets_of.NO_RULES: gettext_lazy("In no market: a country without rules here"),
    markets_of.STRANGE: gettext_lazy("Country not understood"),
}


def choices() -> list[tuple[str, str]]:
    """Of a filter of people by market before the start: (value, its words)."""
    return [*frozen_choices()[:-1], *((value, str(text)) for value, text in NO_MARKET.items())]


def frozen_choices() -> list[tuple[str, str]]:
    """Of a filter of messages: the causes are known no more."""
    every = [(one.key, one.name) for one in markets.markets().values()]
    return [*every, (markets_of.NONE, _("In no market"))]


def names(bits: int) -> str:
    """ "European Union, France"; "": in no market."""
    return listed(one.name for one in markets.named(bits))


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
