"""The fields of a form besides the address, as they are stored. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from contacts.mergenames import OF_PERSON

# Fields of every contact that a form may ask for.
NAMES = tuple(name for name in OF_PERSON if name != "email")
ATTRIBUTE = "attribute:"
MOST = 30
LONGEST_LABEL, LONGEST_HELP = 150, 300


@dataclass(frozen=True, slots=True)
class FormField:
    """`key`: one of NAMES, or "attribute:" with an attribute's key. `label`: "" is the name of the
    field in the reader's language, or the attribute's."""

    key: str
    label: str = ""
    help: str = ""
    required: bool = False

    @property
    def attribute(self) -> str:
        """The attribute's key; "" for a name."""
        return self.key.removeprefix(ATTRIBUTE) if self.key.startswith(ATTRIBUTE) else ""

    @property
    def control(self) -> str:
        """The name of its control in HTML."""
        return self.key.replace(":", "_")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read(stored: Iterable[Any]) -> list[FormField]:
    """Stored fields, each once; what is none is left out."""
    found: dict[str, FormField] = {}
    for one in stored:
        if isinstance(one, dict) and isinstance(key := one.get("key"), str) and _is_key(key):
            found.setdefault(
                key,
                FormField(
                    key,
                    str(one.get("label", ""))[:LONGEST_LABEL],
                    str(one.get("help", ""))[:LONGEST_HELP],
                    one.get("required") is True,
                ),
            )
    return list(found.values())[:MOST]


def _is_key(key: str) -> bool:
    return key in NAMES or (key.startswith(ATTRIBUTE) and len(key) > len(ATTRIBUTE))
