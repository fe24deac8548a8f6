"""Language tags: which are some, and which others are for the same readers."""

import pytest

from contacts import columns
from contacts.languages import ATTRIBUTE, alike, canonical


@pytest.mark.parametrize(
    ("written", "tag"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("zh-hans", "zh-Hans"),
        ("zh-hans-cn", "zh-Hans-CN"),
        ("PT-br", "pt-BR"),
        ("es-419", "es-419"),
        ("de-CH-1996", "de-CH-1996"),
        ("yue-hant-HK", "yue-Hant-HK"),
        ("", None),
        ("zh_CN", None),
        ("english", None),
        ("en-", None),
        ("e", None),
        ("en US", None),
        ("en-US\n", None),
        ("中文", None),
        ("en-" + "-".join(["variant"] * 9), None),
    ],
)
def test_tags(written: str, tag: str | None) -> None:
    assert canonical(written) == tag


@pytest.mark.parametrize(
    ("tag", "others"),
    [
        ("zh-Hans", ["zh-CN", "zh-SG"]),
        ("zh-TW", ["zh-Hant-TW", "zh-Hant", "zh-HK", "zh-MO"]),
        ("zh-CN", ["zh-Hans-CN", "zh-Hans", "zh-SG"]),
        ("zh", []),
        ("en-GB", []),
    ],
)
def test_of_chinese_a_region_names_a_script(tag: str, others: list[str]) -> None:
    assert alike(tag) == others


@pytest.mark.parametrize("header", ["Language", "语言", "language"])
def test_an_import_makes_the_attribute_of_it(header: str) -> None:
    assert columns.key_of(header) == ATTRIBUTE
