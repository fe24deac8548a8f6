"""The value of an attribute that somebody sent by a form, read as an import reads it. Pure."""

from collections.abc import Sequence

from contacts import values
from contacts.values import Value

# An attribute of this type can't be a field: nobody types JSON into a form.
NO_FIELD = "objects"


def read(type_: str, choices: Sequence[str], sent: object) -> Value:
    """`sent`: the text of a control, the texts of ticked boxes, or a value that was stored before.
    Raises ValueError if it is no value of an attribute of this type with these choices."""
    known = tuple(choices)
    if type_ == NO_FIELD or not isinstance(sent, str | int | float | list):
        raise ValueError(type_)
    if isinstance(sent, list):
        return _several(type_, known, sent)
    if isinstance(sent, bool):
        if type_ != "boolean":
            raise ValueError(type_)
        return sent
    if type_ == "text":
        return values.plain(str(sent))
    text = values.clean(str(sent))
    return values.parse(type_, text, choices=known)


def _several(type_: str, known: tuple[str, ...], sent: list[object]) -> Value:
    """Each once, in the order of the choices. Choices may have any character, so that they are not
    joined to be read as one text."""
    if type_ != "choices" or not sent or len(sent) > values.MOST_CHOICES:
        raise ValueError(type_)
    found = {values.choice(str(one), known) for one in sent}
    return [one for one in known if one in found]
