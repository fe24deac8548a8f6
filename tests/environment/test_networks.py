"""Networks in a setting."""

from ipaddress import ip_network

import pytest

from environment import readers


def test_read() -> None:
    env = {"NETS": "10.20.0.0/16, fd00:1::/64,192.0.2.7"}
    expected = ("10.20.0.0/16", "fd00:1::/64", "192.0.2.7/32")
    assert readers.networks("NETS", env) == tuple(map(ip_network, expected))
    assert readers.networks("NETS", {}) == ()


@pytest.mark.parametrize("value", ["10.20.0.0/33", "10.20.0.1/16", "shop.example.com", "10.20"])
def test_a_wrong_one_stops_the_start(value: str) -> None:
    with pytest.raises(readers.SettingError, match=r"NETS .* 10\.20\.0\.0/16"):
        readers.networks("NETS", {"NETS": value})
