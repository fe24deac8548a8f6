"""Whole numbers that come as text from an address or a form. Pure."""

# A bigint has 19 digits. Python refuses texts of thousands of digits with an error of its own.
MOST_DIGITS = 18


def whole(text: str) -> int | None:
    """The number, or None for what is none or too long to be the number of a row."""
    known = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if known else None
