"""One thing that is wrong or unwise about a design. Pure."""

from dataclasses import dataclass

# An error keeps a campaign from being sent; a warning is to be looked at.
ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class DesignProblem:
    code: str
    severity: str
    part: str
    # From 1; 0: the part as a whole.
    line: int
    text: str
