"""What the law of a market asks of advertising mails: one file each, <key>.toml
(docs/developers/markets.md). Pure.

The markets of a mail are one number, a sum of bits (`Market.bit`), so that a message stores them in
two bytes, and several markets can apply to one person. 0: none is known, so nothing is added.
"""

from accounts.markets.reading import Market, MarketError, MarketRules, markets
from accounts.markets.rules import marked, marks, named, of_key, rules

__all__ = [
    "Market",
    "MarketError",
    "MarketRules",
    "marked",
    "markets",
    "marks",
    "named",
    "of_key",
    "rules",
]
