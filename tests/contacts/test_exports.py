"""Cells of exports: no spreadsheet reads one as a formula; an import reads them as they were."""

import pytest
from django.db import OperationalError

from contacts.exports import safe
from contacts.values import clean
from contacts.views.people import csv_response


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


def test_an_error_before_the_first_row_is_no_half_file() -> None:
    """The response is not begun, so that the person sees a page that says what happened."""

    def fail() -> bytes:
        raise OperationalError("canceling statement due to statement timeout")

    with pytest.raises(OperationalError):
        csv_response("a.csv", iter(fail, b""))
    whole = csv_response("a.csv", iter([b"a", b"b"]))
    assert b"".join(whole) == b"ab"
    assert b"".join(csv_response("a.csv", iter(()))) == b""
