"""Names of countries, as files have them."""

import pytest

from contacts import columns, countries
from contacts.countries import ATTRIBUTE, LONGEST, codes, names


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *(("CN", "CN"), ("chn", "CN"), ("China", "CN"), ("CHINA", "CN"), (" china ", "CN")),
        *(("中国", "CN"), ("中國", "CN"), ("中华人民共和国", "CN"), ("Mainland China", "CN")),
        *(("U.S.A.", "US"), ("美国", "US"), ("UK", "GB"), ("德国", "DE"), ("Deutschland", "DE")),
        *(
            ("Österreich", "AT"),
            ("österreich", "AT"),
            ("Osterreich", "AT"),
            ("Cote d'Ivoire", "CI"),
        ),
        # Places with rules of their own.
        *(
            ("Hong Kong", "HK"),
            ("中国香港", "HK"),
            ("澳门", "MO"),
            ("台湾", "TW"),
            ("Taiwan", "TW"),
        ),
        *(("", None), ("-", None), ("N/A", None), ("Chinatown", None), ("in China", None)),
        *(("CN, US", None), ("China" * 1_000, None), ("\x00", None), ("\u200bChina", "CN")),
        # As people and programs write them.
        *(("ＣＮ", "CN"), ("P.R.China", "CN"), ("P. R. China", "CN"), ("156", "CN"), ("🇨🇳", "CN")),
        *(
            ("China, Shanghai", "CN"),
            ("Shanghai, China", "CN"),
            ("中国上海", "CN"),
            ("中国-北京", "CN"),
        ),
        *(
            ("China (CN)", "CN"),
            ("🇨🇳 China", "CN"),
            ("China 🇨🇳", "CN"),
            ("People’s Republic of China", "CN"),
        ),
        *(("République française", "FR"), ("Republique  Francaise", "FR"), ("FX", "FR")),
        *(("La Réunion", "RE"), ("FRANCE METROPOLITAINE", "FR"), ("Île de la Réunion", "RE")),
        *(
            ("Ελλάδα", "GR"),
            ("ΕΛΛΑΔΑ", "GR"),
            ("Åland", "AX"),
            ("A\u030aland", "AX"),
            ("Czech", "CZ"),
        ),
        *(("中国香港九龙", "HK"), ("Hong Kong, China", "HK"), ("Taipei, Taiwan", "TW")),
        # Regions and doubtful words name nothing.
        *(("Québec", None), ("California", None), ("NA", None), ("n.a.", None), ("广东", None)),
        *(("Sunnyvale, CA", None), ("Atlanta, Georgia", None), ("Georgia", "GE"), ("56", None)),
    ],
)
def test_names(value: str, code: str | None) -> None:
    assert codes(value) == ({code} if code else set())


def test_every_country_has_its_codes_and_a_name_in_both_languages() -> None:
    found: dict[str, list[str]] = {}
    for name, code in names().items():
        found.setdefault(code, []).append(name)
    assert len(found) > 240
    for code, known in found.items():
        # "NA" mostly means "not available".
        assert code.lower() in known or code == "NA"
        assert any(len(name) == 3 and name.isdigit() for name in known) or code == "EU"
        assert any(name.isascii() and len(name) > 3 for name in known) or code in {"AX", "CI"}
        assert any("\u4e00" <= name[0] <= "\u9fff" for name in known)
    assert max(map(len, names())) < LONGEST


def test_a_name_belongs_to_one_country() -> None:
    with pytest.raises(ValueError, match="“China” is CN and TW"):
        countries.read('CN = "China"\nTW = "China"')


def test_two_names_and_empty_values() -> None:
    assert codes("China / France") == {"CN", "FR"}
    assert countries.says_something("?")
    assert not any(map(countries.says_something, ("", " - ", "\u200b", "–", "( )")))


@pytest.mark.parametrize("header", ["Country", "国家", "Country/Region"])
def test_an_import_makes_the_attribute_of_it(header: str) -> None:
    assert columns.key_of(header) == ATTRIBUTE
