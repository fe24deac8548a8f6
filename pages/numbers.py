"""Reads whole numbers from URLs and forms. Pure."""

# A bigint has 19 digits. Python refuses texts of thousands of digits with an error of its own.
MOST_DIGITS = 18


def whole(text: str | None) -> int | None:
    """The number; None if the text is no number or has more digits than a row's id can have."""
    if text and len(text) <= MOST_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return None
