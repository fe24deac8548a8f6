"""Cells of exports: no spreadsheet reads one as a formula; an import reads them as they were."""

import pytest

from contacts.exports import safe
from contacts.values import clean


@pytest.mark.parametrize("begin", "=+-@＝＋－＠\t\r\n")
def test_a_formula_is_text_and_comes_back(begin: str) -> None:
    text = f"{begin}HYPERLINK(1)"
    assert safe(text) == f"'{text}"
    assert clean(safe(text)) == text
    assert safe(safe(text)) == f"''{text}"


@pytest.mark.parametrize("text", ["王小明", "a=b", "'tis", "", "（+86）1"])
def test_other_text_stays(text: str) -> None:
    assert safe(text) == text
    assert clean(text) == text
