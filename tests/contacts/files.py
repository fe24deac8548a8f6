"""Contact files for tests: rows as people's files have them, with what must become of each."""

import csv
import io
import random
from dataclasses import dataclass

HEADER = (
    "email first_name last_name full_name company job_title phone country city "
    "signup_date tags note"
).split()
INVALID = (
    "{0}", "{0}@", "@{1}", "{0}@@{1}", "{0}@{1}.", "{0} @{1}", "{0}@-{1}", ".{0}@{1}", "{0}..x@{1}",
    "{0}@nodot", "n/a", "mailto:", "",
)  # fmt: skip
DRESSED = (
    "  {0}\u00a0", "Ann, B. <{0}>", "mailto:{0}", "\u200b{0}", "'{0}", "<{0}>",
)  # fmt: skip
SEVERAL = (
    "{0},second@more.example",
    "{0} ::: second@more.example",
    "A <{0}>; B <second@more.example>",
)
NOTES = (
    "", "", "line one\nline two", "line one\r\nline two", 'says "call"', "a;b,c\td|e", "=SUM(A1)",
    "@cmd", "'00123", "{{ first_name }}", "<script>alert(1)</script>", "见面于展会",
)  # fmt: skip
NAMES = (("王", "伟"), ("Zoë", "O'Brien"), ("", ""), ("José", "Smith-Jones"))
DOMAINS = ("qq.example", "corp.example", "bücher.example", "例子.测试", "MAIL.Example")


@dataclass
class Expected:
    """How many rows of each kind a file has."""

    rows: int = 0
    valid: int = 0
    invalid: int = 0
    duplicates: int = 0
    unusable: int = 0


def torture(
    number: int,
    *,
    encoding: str = "utf-8",
    delimiter: str = ",",
    eol: str = "\r\n",
    seed: int = 1,
    prefix: str = "p",
) -> tuple[bytes, Expected]:
    """A file of `number` rows with everything that files in the wild have, and what is in it."""
    chance = random.Random(seed)  # noqa: S311 - the same file every time
    out, expected = io.StringIO(newline=""), Expected()
    writer = csv.writer(
        out,
        delimiter=delimiter,
        lineterminator=eol,
        quoting=csv.QUOTE_ALL if eol == "\r" else csv.QUOTE_MINIMAL,
    )
    writer.writerow(HEADER)
    seen: list[str] = []
    for n in range(number):
        valid = expected.valid
        address = _address(chance, f"{prefix}{n}", seen, expected)
        first, last = chance.choice(NAMES)
        date = chance.choice(("2024-03-05", "2024年3月5日", "5 Mar 2024", ""))
        if chance.random() < 0.04:
            date = "2024-13-99"
        row = [
            address,
            first,
            last,
            f"{last}{first}",
            "Acme, Inc.",
            "",
            "+86 10",
            "CN",
            "上海",
            date,
        ]
        row += ["a,b", chance.choice(NOTES)]
        width = chance.choice((5, 12, 12, 12, 12, 13))
        if width > 5 and date == "2024-13-99" and expected.valid > valid:
            expected.unusable += 1
        writer.writerow([*row, "extra"][:width])
        if chance.random() < 0.01:
            out.write(eol)
    return out.getvalue().encode(encoding), expected


def _address(chance: random.Random, local: str, seen: list[str], expected: Expected) -> str:
    domain, kind = chance.choice(DOMAINS), chance.random()
    expected.rows += 1
    if kind < 0.03:
        expected.invalid += 1
        return chance.choice(INVALID).format(local, domain)
    if kind < 0.06 and seen:
        expected.duplicates += 1
        again = chance.choice(seen)
        return chance.choice((again, f" {again} ", f"Somebody <{again}>"))
    expected.valid += 1
    plain = f"{local}@{domain}"
    seen.append(plain)
    if kind < 0.07:
        expected.unusable += 1
        return chance.choice(SEVERAL).format(plain)
    if kind < 0.15:
        return chance.choice(DRESSED).format(plain)
    return plain.upper() if kind < 0.2 and domain.isascii() else plain
