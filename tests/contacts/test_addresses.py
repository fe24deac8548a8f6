"""One way to write each address: by table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts import addresses
from contacts.addresses import AddressError


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("lan@example.com", "lan@example.com"),
        ("  Lan@Example.COM\t", "lan@example.com"),
        ("Lan Wang <lan@example.com>", "lan@example.com"),
        ('"Wang, Lan" <lan@example.com>', "lan@example.com"),
        ("mailto:lan@example.com", "lan@example.com"),
        ("'lan@example.com", "lan@example.com"),
        ("lan＠example。com", "lan@example.com"),
        ("\u200blan@example.com\u00a0", "lan@example.com"),
        ('"lan"@example.com', "lan@example.com"),
        ("o'brien@example.com", "o'brien@example.com"),
        ("lan@例子.测试", "lan@xn--fsqu00a.xn--0zwm56d"),
        ("lan@BÜCHER.example", "lan@xn--bcher-kva.example"),
    ],
)
def test_one_way_to_write_it(written: str, address: str) -> None:
    assert addresses.normalise(written) == address
    assert addresses.normalise(address) == address


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("lan", "no_at"),
        ("lan@", "no_domain"),
        ("@example.com", "no_local"),
        ("lan@localhost", "domain_no_dot"),
        ("lan@[192.0.2.1]", "domain_numeric"),
        ("兰@example.com", "local_not_ascii"),
        (".lan@example.com", "local_dots"),
        ("l" * 65 + "@example.com", "local_too_long"),
        ("a@x.example, b@x.example", "several_addresses"),
        ("a" * 1001, "cell_long"),
    ],
)
def test_why_it_is_none(written: str, reason: str) -> None:
    with pytest.raises(AddressError) as refused:
        addresses.normalise(written)
    assert refused.value.reason == reason
    # A sentence, not the code.
    assert " " in str(refused.value)


def test_several_in_a_cell() -> None:
    cell = "a@x.example; B <b@x.example>、A@x.example ; nobody"
    assert addresses.several(cell) == ["a@x.example", "b@x.example"]
    with pytest.raises(AddressError, match=" "):
        addresses.several("nobody, neither")


def test_domains() -> None:
    assert addresses.normalise_domain(" @例子.测试 ") == "xn--fsqu00a.xn--0zwm56d"
    with pytest.raises(AddressError):
        addresses.normalise_domain("@")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("lan@xn--fsqu00a.xn--0zwm56d", "lan@例子.测试"),
        ("xn--fsqu00a.xn--0zwm56d", "例子.测试"),
        ("lan@example.com", "lan@example.com"),
        # No label that IDNA knows: as it is.
        ("lan@xn--a.example", "lan@xn--a.example"),
    ],
)
def test_as_people_read_it(address: str, shown: str) -> None:
    assert addresses.display(address) == shown


@pytest.mark.parametrize(
    ("address", "role"),
    [("info@x.example", True), ("sales+spring@x.example", True), ("informed@x.example", False)],
)
def test_offices(address: str, *, role: bool) -> None:
    assert addresses.is_role(address) == role


@given(st.text(max_size=60).map(lambda text: f"{text}@x.example") | st.text(max_size=60))
def test_what_is_accepted_stays_as_it_is(text: str) -> None:
    try:
        address = addresses.normalise(text)
    except AddressError:
        return
    assert addresses.normalise(address) == address
    assert addresses.several(address) == [address]
    assert address.isascii()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("p01@googlemail.com;", ["p01@googlemail.com"]),
        ("Bo <P06@163.com>", ["p06@163.com"]),
        ("p07@126.com, p08@yeah.net", ["p07@126.com", "p08@yeah.net"]),
        ("＂p10@gmail.com＂", ["p10@gmail.com"]),
        ("“a@x.example”；b@x.example", ["a@x.example", "b@x.example"]),
        ("nobody", ["nobody"]),
        ("x" * 2000, ["x" * 2000]),
    ],
)
def test_addresses_of_a_pasted_line(line: str, found: list[str]) -> None:
    assert addresses.in_line(line) == found
