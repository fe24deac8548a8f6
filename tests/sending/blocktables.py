"""Blocks that a test makes or drops, put back afterwards: tests share a database."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from sending import blocks
from sending.queries import blocks as query
from sending.queries import dropping


@contextmanager
def put_back() -> Iterator[None]:
    """Inside, the present block is closed and mailings come into the next one if the test turns."""
    before = set(query.standing())
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM sending_mailing_id_seq")
        (last,) = cursor.fetchone() or (1,)
    try:
        yield
    finally:
        for block in set(dropping.left()) - before:
            for parent in blocks.TABLES:
                dropping.drop(parent, block)
        for block in before - set(query.standing()):
            query.make(block)
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('sending_mailing_id_seq', %s)", [last + 1000])
