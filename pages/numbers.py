"""Whole numbers that come as text from an address or a form. Pure."""

# A bigint has 19 digits. Python refuses texts of thousands of digits with an error of its own.
MOST_DIGITS = 18


def whole(text: str | None) -> int | None:
    """The number, or None for what is none or too long to be the number of a row."""
    if text and len(text) <= MOST_DIGITS and text.isascii() and text.isdigit():
        return int(text)
    return None
