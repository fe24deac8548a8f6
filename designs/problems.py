"""A problem of a design. Pure."""

from dataclasses import dataclass

# A campaign with an error can't be sent. A warning doesn't prevent it.
ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class DesignProblem:
    code: str
    severity: str
    part: str
    # Counted from 1; 0 for the whole part.
    line: int
    text: str
