"""DNS questions and answers as bytes (RFC 1035), as far as looking for mail servers needs. Pure.

A message has at most 512 bytes over UDP. If an answer is cut off there (TC), its first records are
enough.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from contacts.exceptions import ContactsError

A, MX, AAAA = 1, 15, 28
INTERNET = 1
HEADER = struct.Struct("!6H")
NO_ERROR, NO_NAME = 0, 3
# A name has at most so many labels, and an answer so many records that are read.
MOST_LABELS, MOST_RECORDS = 128, 50


class DnsError(ContactsError):
    """The bytes are no answer to the question."""


@dataclass(frozen=True, slots=True)
class DnsAnswer:
    """`code`: the RCODE. `records`: the data of records of the asked type, without names that they
    may have besides: for an MX, its preference and the first bytes of its name."""

    code: int
    records: tuple[bytes, ...]


def question(number: int, domain: str, kind: int) -> bytes:
    """A recursive question. `domain`: A-labels."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in domain.split("."))
    return (
        HEADER.pack(number, 0x0100, 1, 0, 0, 0)
        + labels
        + b"\0"
        + struct.pack("!2H", kind, INTERNET)
    )


def answer(data: bytes, asked: bytes) -> DnsAnswer:
    """The answer to a question; raises DnsError if it is another's, or none."""
    try:
        return _answer(data, asked)
    except (struct.error, IndexError) as error:
        raise DnsError("cut off") from error


def _answer(data: bytes, asked: bytes) -> DnsAnswer:
    number, flags, questions, records, _authority, _more = HEADER.unpack_from(data)
    body = asked[HEADER.size :]
    if number != HEADER.unpack_from(asked)[0] or not flags & 0x8000 or questions != 1:
        raise DnsError("another's answer")
    if data[HEADER.size : HEADER.size + len(body)].lower() != body.lower():
        raise DnsError("another question")
    kind = struct.unpack("!2H", body[-4:])[0]
    found = _records(data, HEADER.size + len(body), min(records, MOST_RECORDS), kind)
    return DnsAnswer(flags & 0xF, tuple(found))


def _records(data: bytes, at: int, count: int, wanted: int) -> Iterator[bytes]:
    for _record in range(count):
        if at >= len(data):  # TC: the others did not fit
            return
        at = _after_name(data, at)
        kind, _class, _ttl, length = struct.unpack_from("!2HIH", data, at)
        at += 10
        if kind == wanted:
            yield data[at : at + length]
        at += length


def _after_name(data: bytes, at: int) -> int:
    for _label in range(MOST_LABELS):
        length = data[at]
        if length & 0xC0:  # a pointer to the rest of the name
            return at + 2
        at += 1 + length
        if not length:
            return at
    raise DnsError("an endless name")


def is_null_mx(record: bytes) -> bool:
    """Whether an MX record says that the domain takes no mail (RFC 7505)."""
    return record[2:] == b"\0"
