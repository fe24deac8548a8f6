"""The name in our EHLO (RFC 5321, 4.1.1.1), to relays and to the platform's own mail server.
Pure."""

import ipaddress
import socket

from smtp import config


def of_address(address: str) -> str:
    """The name for a connection from this local address: the configured name, else the address as a
    literal (RFC 5321, 4.1.3). Never the name of the machine: in a container it is a random number,
    and strict servers refuse it."""
    return config.current().ehlo_name or literal(address)


def of_socket(connection: socket.socket) -> str:
    return of_address(str(connection.getsockname()[0]))


def literal(address: str) -> str:
    """ "[192.0.2.1]" or "[IPv6:2001:db8::1]" """
    plain = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(plain, ipaddress.IPv6Address):
        if plain.ipv4_mapped is None:
            return f"[IPv6:{plain}]"
        plain = plain.ipv4_mapped
    return f"[{plain}]"
