"""The rules of several markets together, and marks in front of subjects."""

import pytest

from accounts import markets

CN, EU, FR, US, CA = (one.bit for one in markets.markets().values())


def test_the_strictest_rule_wins_rule_by_rule() -> None:
    assert markets.rules(0) == markets.MarketRules()
    both = markets.rules(CN | US | CA)
    assert both.subject_mark == markets.markets()["cn"].rules.subject_mark
    assert both.consent
    assert both.postal_address
    assert (both.contact_days, both.unsubscribe_days) == (30, 60)
    assert not both.opens_with_consent


def test_a_market_within_another_has_the_rules_of_both() -> None:
    assert markets.of_key("fr") == FR | EU
    assert markets.rules(markets.of_key("fr")).postal_address
    assert [one.key for one in markets.named(FR | EU)] == ["eu", "fr"]


@pytest.mark.parametrize("key", ["", "gone", "CN"])
def test_an_unknown_key_is_no_market(key: str) -> None:
    assert markets.of_key(key) == 0


def test_unknown_bits_are_ignored() -> None:
    assert markets.named(1 << 14) == []
    assert markets.marked("Sale", 1 << 14) == "Sale"


@pytest.mark.parametrize(
    ("subject", "marked"),
    [
        ("春季新品", "广告：春季新品"),
        ("Spring sale", "AD: Spring sale"),
        ("  Spring sale ", "AD: Spring sale"),
        ("Sale 特惠", "广告：Sale 特惠"),
        ("セール", "AD: セール"),
        ("", "AD:"),
        # Words that only begin like the mark.
        ("Advent", "AD: Advent"),
        ("Ad hoc meeting", "AD: Ad hoc meeting"),
        ("Ad-hoc", "AD: Ad-hoc"),
        ("AD2026", "AD: AD2026"),
        ("A D: x", "AD: A D: x"),
        ("广告行业大会", "广告：广告行业大会"),
        # Not the letter of the rule.
        ("廣告：春季", "广告：廣告：春季"),
        ("Not an AD: x", "AD: Not an AD: x"),
    ],
)
def test_a_subject_without_the_mark_gets_it(subject: str, marked: str) -> None:
    assert markets.marked(subject, CN) == marked


@pytest.mark.parametrize(
    "subject",
    [
        *(
            "广告：春季",
            "广告:春季",
            "广告",
            "广告 春季",
            "【广告】春季",
            "[广告]春季",
        ),
        *(" 【 广告 】春季", "（广告）春季", "「广告」春季", "“广告”春季", "*广告*春季"),
        *("\u200bAD: Sale", "\ufeff【\u200b广告】春季", "\u200e AD\u200b: Sale", "\u2060ad\u00ad"),
        *("AD: Sale", "AD Sale", "ad: Sale", "Ad: Sale", "(AD) Sale", "(ad)Sale", "[AD] Sale"),
        *(
            "【AD】春季",
            "ＡＤ：春季",
            "ａｄ：春季",
            "ＡＤ 春季",
            "AD - Sale",
            "AD | Sale",
            "AD",
            "ad",
        ),
    ],
)
def test_a_subject_with_the_mark_stays(subject: str) -> None:
    assert markets.marked(subject, CN | US) == subject


@pytest.mark.parametrize("bits", [0, EU, FR | EU, US | CA])
def test_only_some_markets_have_a_mark(bits: int) -> None:
    assert markets.marked("春季", bits) == "春季"


def test_a_mark_is_put_once() -> None:
    for subject in ("春季", "Sale", "广告行业", "Ad hoc", ""):
        once = markets.marked(subject, CN)
        assert markets.marked(once, CN) == once


def test_long_subjects_take_no_time() -> None:
    """No pattern looks twice at a place: 100,000 brackets and spaces."""
    for subject in ("[ (" * 30_000 + "x", " " * 100_000 + "x", "AD" + " " * 100_000 + "x"):
        assert markets.marked(subject, CN).endswith("x")
