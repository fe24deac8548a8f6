"""Blocks (sending.blocks) that a test made or dropped, put back for the next one."""

from itertools import count

from django.db import connection

from sending import blocks
from sending.queries import blocks as query
from sending.queries import dropping

# Ids of mailings go on from here, within the first block: no two tests have the same.
_next = count(10_000, 10_000)


def put_back() -> None:
    """After the tables were emptied: there is the first block alone, and mailings come into it."""
    made = [block for block in dropping.left() if block]
    if made or 0 not in query.standing():
        for block in made:
            for parent in blocks.TABLES:
                dropping.drop(parent, block)
        if 0 not in query.standing():
            query.make(0)
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('sending_mailing_id_seq', %s)", [next(_next)])
