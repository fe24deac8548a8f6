"""States of messages by their names in SQL: `state = $ACCEPTED`."""

import re

from sending.models import Message

NAME = re.compile(r"\$([A-Z]+)")
NUMBERS = {state.name: str(state.value) for state in Message.State}


def sql(text: str) -> str:
    """The text with numbers for the names of `Message.State`. Raises KeyError for other names."""
    return NAME.sub(lambda found: NUMBERS[found[1]], text)
