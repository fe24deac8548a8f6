"""Decides which servers may be connected to, so that nobody reaches internal services through a
relay, a mailbox or the address of a file (SSRF). Every address that a name resolves to is checked,
and the connection goes to a checked address: a second look-up could answer differently (DNS
rebinding).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from smtp import config
from smtp.exceptions import SmtpError
from smtp.remarks import Remark

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Metadata services of clouds, which hand out credentials, unless their address is link-local:
# Alibaba Cloud, Azure, Oracle Cloud, and Amazon's over IPv6.
METADATA = frozenset(
    ipaddress.ip_address(one)
    for one in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
# Addresses of IPv4 written in IPv6 (RFC 6052); ipaddress knows the other two ways.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class HostError(SmtpError):
    """The server can't or must not be connected to; `remark` says why."""

    def __init__(self, remark: Remark) -> None:
        super().__init__(str(remark))
        self.remark = remark


class UnknownHostError(HostError):
    """The name can't be resolved now: it is mistyped, or the name service is away."""


class ForbiddenHostError(HostError):
    """The name resolves to a forbidden address."""


def check(host: str, port: int) -> None:
    """Raises HostError unless every address of the host may be connected to."""
    resolve(host, port)


def resolve(host: str, port: int, *, networks: Sequence[Network] | None = None) -> list[str]:
    """The host's addresses, each checked. `networks`: the private networks that may be reached; by
    default `smtp.config` says whether all of them may. Raises HostError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _unknown(host) from error
    return _checked(host, [str(place[4][0]) for place in found], networks)


async def connect(host: str, port: int, *, seconds: float, trusted: bool = False) -> socket.socket:
    """A socket connected to the first address that answers; the addresses share `seconds`.

    `trusted`: our own sandbox, which may listen at any address. Raises HostError, TimeoutError,
    OSError.
    """
    async with asyncio.timeout(seconds):
        addresses = await _resolve(host, port, trusted=trusted)
        trouble: Exception = OSError(str(Remark("no_address")))
        for address in addresses:
            try:
                async with asyncio.timeout(seconds / len(addresses)):
                    return await _connect(address, port)
            except OSError as error:  # TimeoutError is one of them
                trouble = error
        raise trouble


async def _resolve(host: str, port: int, *, trusted: bool) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        raise _unknown(host) from error
    addresses = [str(place[4][0]) for place in found]
    return list(dict.fromkeys(addresses)) if trusted else _checked(host, addresses)


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(made, (address, port))
    except BaseException:
        made.close()
        raise
    return made


def _unknown(host: str) -> UnknownHostError:
    return UnknownHostError(Remark("unknown_host", {"host": host}))


def _checked(
    host: str, addresses: Sequence[str], networks: Sequence[Network] | None = None
) -> list[str]:
    for address in addresses:
        if why := _refused(_plain(address), networks):
            shown = host if host == address else f"{host} ({address})"
            raise ForbiddenHostError(Remark(why, {"host": shown}))
    return list(dict.fromkeys(addresses))


def _plain(address: str) -> Address:
    """The address without its scope; as IPv4 if the IPv6 address embeds one."""
    plain = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(plain, ipaddress.IPv4Address):
        return plain
    if plain in NAT64:
        return ipaddress.IPv4Address(int(plain) & 0xFFFFFFFF)
    return plain.ipv4_mapped or plain.sixtofour or plain


def _refused(address: Address, networks: Sequence[Network] | None) -> str:
    """Why the address is refused, as the code of a remark; "" if it isn't."""
    if address.is_link_local or address in METADATA:
        return "machine_address"
    if address.is_multicast or address.is_unspecified or _broadcast(address):
        return "many_addressed"
    if not address.is_global and not _is_open(address, networks):
        return "private_address"
    return ""


def _is_open(address: Address, networks: Sequence[Network] | None) -> bool:
    """Whether this private address may be connected to."""
    if networks is None:
        return config.current().private_servers
    return any(address in network for network in networks)


def _broadcast(address: Address) -> bool:
    return address == ipaddress.IPv4Address("255.255.255.255")
