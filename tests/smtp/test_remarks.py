"""What the SMTP client says itself is found again in what was stored."""

import pytest

from smtp import remarks
from smtp.remarks import Remark

VALUES = {
    "host": "mail.brand.example (10.1.2.3)",
    "command": "MAIL",
    "seconds": "120",
    "address": "'a b'",
    "size": "12.3",
    "limit": "10",
}


@pytest.mark.parametrize("code", remarks.TEXTS)
def test_a_remark_is_read_from_its_text(code: str) -> None:
    placeholders = {name for name in VALUES if f"{{{name}}}" in remarks.TEXTS[code]}
    remark = Remark(code, {name: VALUES[name] for name in placeholders})
    assert "{" not in str(remark)
    assert remarks.read(str(remark)) == remark


@pytest.mark.parametrize("text", ["", "550 5.1.1 No such user", "The server", "closed"])
def test_the_words_of_a_server_are_no_remark(text: str) -> None:
    assert remarks.read(text) is None
