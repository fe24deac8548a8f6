"""The full name of a contact as SQL, by the rule of contacts.names.full for mails and tables."""

from contacts import names

# The same ranges as in Python.
_EAST_ASIAN = names.EAST_ASIAN.pattern


def of(contact: str) -> str:
    """SQL of the full name of a row of contacts, made of first and last name if it isn't given."""
    first, last, whole = (f"{contact}.{name}" for name in ("first_name", "last_name", "full_name"))
    both = f"{last} ~ '{_EAST_ASIAN}' AND {first} ~ '{_EAST_ASIAN}'"
    return (
        f"CASE WHEN {whole} <> '' THEN {whole}"
        f" WHEN {first} = '' OR {last} = '' THEN {first} || {last}"
        f" WHEN {both} THEN {last} || {first} ELSE {first} || ' ' || {last} END"
    )
