"""Which servers may be connected to, by what their names resolve to."""

import asyncio
import socket
from collections.abc import Callable
from ipaddress import ip_network

import pytest

from smtp import ConnectError, Server, hosts, open_session
from tests.mailservers.sink import Sink


@pytest.mark.parametrize("private", [True, False])
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.0.23",
        "fe80::1",
        "fe80::1%lo",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "224.0.0.1",
        "ff02::1",
        "0.0.0.0",  # noqa: S104 - refused
        "::",
        "255.255.255.255",
        # The same in other clothes.
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2852039166",
        "0xa9.0xfe.0xa9.0xfe",
    ],
)
def test_always_refused(host: str, private: bool, smtp_config: Callable[..., None]) -> None:
    smtp_config(private_servers=private)
    with pytest.raises(hosts.ForbiddenHostError):
        hosts.check(host, 25)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "::1", "10.1.2.3", "192.168.7.1", "fd12::1", "100.64.0.9"]
)
def test_private_as_the_setting_says(host: str, smtp_config: Callable[..., None]) -> None:
    smtp_config(private_servers=True)
    hosts.check(host, 25)
    smtp_config(private_servers=False)
    with pytest.raises(hosts.ForbiddenHostError, match="private network"):
        hosts.check(host, 25)


def test_named_networks_are_open_and_others_closed(smtp_config: Callable[..., None]) -> None:
    """Whatever the setting for relays is."""
    smtp_config(private_servers=True)
    networks = (ip_network("10.1.0.0/16"), ip_network("fd12::/64"), ip_network("169.254.0.0/16"))
    for host in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "8.8.8.8"):
        assert hosts.resolve(host, 443, networks=networks)
    for host in ("10.2.0.1", "127.0.0.1", "::1", "fd12:1::1", "169.254.169.254"):
        with pytest.raises(hosts.ForbiddenHostError):
            hosts.resolve(host, 443, networks=networks)
    with pytest.raises(hosts.ForbiddenHostError):
        hosts.resolve("10.1.2.3", 443, networks=())


@pytest.mark.parametrize("host", ["8.8.8.8", "2606:4700:4700::1111"])
def test_public_is_allowed(host: str, smtp_config: Callable[..., None]) -> None:
    smtp_config(private_servers=False)
    hosts.check(host, 587)


@pytest.mark.parametrize("host", ["no-such-server.invalid", "a" * 70 + ".example", "a..b", ""])
def test_an_unknown_name_says_so(host: str, smtp_config: Callable[..., None]) -> None:
    smtp_config(private_servers=False)
    with pytest.raises(hosts.HostError):
        hosts.check(host, 25)


def test_one_refused_address_of_several_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def both(*_args: object, **_options: object) -> list[tuple[object, ...]]:
        stream = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*stream, ("8.8.8.8", 25)), (*stream, ("169.254.169.254", 25))]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(hosts.ForbiddenHostError, match=r"mail\.example \(169\.254\.169\.254\)"):
        hosts.check("mail.example", 25)


def _open(server: Server) -> None:
    async def run() -> None:
        session = await open_session(server)
        session.close()

    asyncio.run(run())


def test_a_worker_does_not_connect_to_what_is_refused(
    sink: Sink, smtp_config: Callable[..., None]
) -> None:
    smtp_config(private_servers=False)
    with pytest.raises(ConnectError, match="private network"):
        _open(Server("127.0.0.1", sink.port, "none"))
    assert sink.connections == 0


def test_the_sandbox_is_reached_whatever_the_setting(
    sink: Sink, smtp_config: Callable[..., None]
) -> None:
    smtp_config(private_servers=False)
    _open(Server("127.0.0.1", sink.port, "none", trusted=True))
    assert sink.connections == 1


def test_a_name_with_an_address_that_does_not_answer_uses_the_next(sink: Sink) -> None:
    # localhost is ::1 and 127.0.0.1 where there is IPv6; the sink listens on the latter alone.
    _open(Server("localhost", sink.port, "none"))
    assert sink.connections == 1
