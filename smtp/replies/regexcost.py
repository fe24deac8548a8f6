"""What a regular expression may cost: a check of how it is written, before it is used. Pure.

Python's `re` tries every way of matching. With a bound on each repetition, none inside of another
one, and a bound on their product, a search costs at most the product for each place in the words;
without, one hostile reply could keep a worker busy for hours.
"""

import re

# Steps at each place of the words (their number is bounded too: rules.MOST_WORDS).
MOST_STEPS = 20_000

TOKEN = re.compile(
    r"""(?P<escape>\\.)
      | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
      | (?P<open>\((?:\?:|\?!|\?=|\?<[!=])?)
      | (?P<close>\))
      | (?P<endless>[*+]|\{\d*,\})
      | (?P<bounds>\{(?:\d*,)?\d+\})
      | (?P<maybe>\?)
      | (?P<or>\|)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


def problem(pattern: str) -> str:
    """What is wrong with it, as an end of "the text ..."; "" for nothing."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is no regular expression: {error}"
    if re.search(r"\(\?(?!:|!|=|<[!=])", pattern):
        return "has a group of a kind that isn't allowed; use (...) or (?:...)"
    if re.search(r"(?<!\\)(?:\\\\)*\\[1-9]", pattern):
        return "refers back to a group"
    return _steps(pattern)


class _Group:
    """What was read of a group: its costliest branch, and whether anything in it repeats."""

    def __init__(self) -> None:
        self.steps = 1
        self.most = 1
        self.repeats = False

    def close_branch(self) -> None:
        self.most = max(self.most, self.steps)
        self.steps = 1


def _steps(pattern: str) -> str:
    groups = [_Group()]
    closed: _Group | None = None  # the group that ended right before
    for token in TOKEN.finditer(pattern):
        kind, written = token.lastgroup, token[0]
        group = groups[-1]
        if kind == "endless":
            return f"has {written} without a bound: write {{0,40}}"
        if kind == "open":
            groups.append(_Group())
        elif kind == "close":
            groups.pop()
            group.close_branch()
            groups[-1].steps *= group.most
            groups[-1].repeats |= group.repeats
        elif kind == "or":
            group.close_branch()
        elif kind == "bounds":
            times = int(written.strip("{}").rpartition(",")[2])
            if closed is not None and closed.repeats and times > 1:
                return f"has a repetition inside of another one, before {written}"
            group.steps *= max(times, 1)
            group.repeats = True
        elif kind == "maybe":
            group.steps *= 2
        if max(one.steps for one in groups) > MOST_STEPS:
            return "has too many repetitions: their bounds multiply"
        closed = group if kind == "close" else None
    return ""
