"""Conditions on one value of a contact, by its type, as SQL.

Texts are compared without regard to case and to full-width forms. The typed text passes through the
same functions of the database as the value, so that both always agree.
"""

import calendar
import datetime as dt
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from contacts.segments.kinds import Context
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, given_list, put

FOLDED = "lower(normalize({}, NFKC))"
COMPARED = {
    "equal": "=",
    "below": "<",
    "at_most": "<=",
    "above": ">",
    "at_least": ">=",
}
NOT = "({}) IS NOT TRUE"
ISO_DAY = "substring({} from '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}')"


# {operator: how the value compares with its one day}
SIDES = {"before": "<", "after": ">"}
LINES = f"SELECT {FOLDED.format('line')} FROM unnest({{}}) AS line"  # noqa: S608 - only ours
# {operator: SQL of the folded value and the folded text}
OF_TEXT = {
    "is": "{} = {}",
    "contains": "strpos({}, {}) > 0",
    "begins": "starts_with({}, {})",
}
# {operator: the one that it turns into its opposite}
OPPOSITES = {"is_not": "is", "contains_not": "contains", "none_of": "one_of"}


def text(value: Sql, condition: Condition) -> Sql:
    """`value`: SQL of a text, which may be null. "Is not" is true for contacts without a value."""
    return of_folded(put(FOLDED, value), condition)


def of_folded(folded: Sql, condition: Condition) -> Sql:
    """`folded`: SQL of a text in lower case and without full-width forms, which may be null."""
    if condition.operator == "blank":
        return put("coalesce(btrim({}), '') = ''", folded)
    if condition.operator == "filled":
        return put("btrim({}) <> ''", folded)
    operator = OPPOSITES.get(condition.operator, condition.operator)
    if operator == "one_of":
        found = put(f"{{}} IN ({LINES})", folded, given_list(condition.values, "text"))
    else:
        typed = put(FOLDED, given(condition.values[0], "text"))
        found = put(OF_TEXT[operator], folded, typed)
    return found if operator == condition.operator else put(NOT, found)


def number(value: Sql, condition: Condition) -> Sql:
    """`value`: SQL of a jsonb. "≠" is true for contacts without a number, too."""
    if condition.operator in {"blank", "filled"}:
        return _given(value, condition)
    # CASE: a value of another type is never cast.
    read = put("CASE WHEN jsonb_typeof({}) = 'number' THEN ({})::numeric END", value, value)
    return compared(read, condition)


def compared(read: Sql, condition: Condition) -> Sql:
    """`read`: SQL of a number, which may be null."""
    values = [given(str(one), "numeric") for one in condition.values]
    if condition.operator == "between":
        return put("{} BETWEEN {} AND {}", read, *values)
    if condition.operator == "unequal":
        return put(NOT, put("{} = {}", read, *values))
    return put("{} " + COMPARED[condition.operator] + " {}", read, *values)


def boolean(value: Sql, condition: Condition) -> Sql:
    """`value`: SQL of a jsonb."""
    if condition.operator in {"blank", "filled"}:
        return _given(value, condition)
    return put("{} = '" + ("true" if condition.operator == "yes" else "false") + "'::jsonb", value)


def _given(value: Sql, condition: Condition) -> Sql:
    known = put("coalesce(jsonb_typeof({}), 'null') <> 'null'", value)
    return known if condition.operator == "filled" else put("NOT ({})", known)


def date(value: Sql, condition: Condition, today: dt.date) -> Sql:
    """`value`: SQL of a text such as 2026-03-09. Texts of this form sort as their dates do, so that
    a value that is no date does no harm."""
    if condition.operator in {"blank", "filled"}:
        return text(value, condition)
    if condition.operator == "anniversary":
        days = anniversaries(today, int(condition.values[0]))
        return put(f"substr({ISO_DAY}, 6) = ANY({{}})", value, given_list(days, "text"))
    return compared_day(put("(" + ISO_DAY + ') COLLATE "C"', value), condition, today)


def compared_day(read: Sql, condition: Condition, today: dt.date) -> Sql:
    """`read`: SQL of a day such as 2026-03-09, by the order of its characters."""
    if condition.operator in SIDES:
        day = given(str(condition.values[0]), "text")
        return put(f"{{}} {SIDES[condition.operator]} {{}}", read, day)
    first, last = span(condition, today)
    parts = [read, *(given(day.isoformat(), "text") for day in (first, last))]
    return put("{} BETWEEN {} AND {}", *parts)


def day(value: Sql, condition: Condition, today: dt.date) -> Sql:
    """`value`: SQL of a text such as 03-09. In years without 29 February it is on 28 February."""
    if condition.operator in {"blank", "filled"}:
        return text(value, condition)
    if condition.operator == "on":
        return put("{} = {}", value, given(str(condition.values[0]), "text"))
    days = int(condition.values[0])
    first = today if condition.operator == "next_days" else _moved(today, -min(days, 366))
    return put("{} = ANY({})", value, given_list(anniversaries(first, days), "text"))


# How many lines are among the value's texts.
AMONG = (
    f"(SELECT count(*) FROM unnest({{}}) AS line WHERE {FOLDED.format('line')} IN ("  # noqa: S608 - only ours
    f"SELECT {FOLDED.format('own')} FROM jsonb_array_elements_text("
    "CASE WHEN jsonb_typeof({}) = 'array' THEN {} END) AS own))"
)


def several(value: Sql, condition: Condition) -> Sql:
    """`value`: SQL of a jsonb with a list of texts. "Has none" is true for contacts without one."""
    if condition.operator in {"blank", "filled"}:
        return _given(value, condition)
    lines = given_list(condition.values, "text")
    found = put(AMONG, lines, value, value)
    if condition.operator == "has_all":
        return put("{} = cardinality({})", found, lines)
    return put("{} > 0" if condition.operator == "has_any" else "{} = 0", found)


def objects(value: Sql, condition: Condition) -> Sql:
    """`value`: SQL of a jsonb."""
    return _given(value, condition)


def moment(value: Sql, condition: Condition, today: dt.date, zone: ZoneInfo) -> Sql:
    """`value`: SQL of a timestamp. Days are those of the zone."""
    if condition.operator == "before":
        first = dt.date.fromisoformat(str(condition.values[0]))
        return put("{} < {}", value, _midnight(first, zone))
    if condition.operator == "after":
        last = dt.date.fromisoformat(str(condition.values[0]))
        return put("NOT ({})", _until(value, last, zone))
    first, last = span(condition, today)
    return put("{} >= {} AND {}", value, _midnight(first, zone), _until(value, last, zone))


def lately(value: Sql, days: Sequence[object], context: Context) -> Sql:
    """`value`: SQL of a timestamp, within so many days before today (one number)."""
    asked = Condition("", "", "last_days", tuple(days))
    return moment(value, asked, context.today, context.zone)


def _midnight(day: dt.date, zone: ZoneInfo) -> Sql:
    return given(dt.datetime.combine(day, dt.time(), zone), "timestamptz")


def _until(value: Sql, last: dt.date, zone: ZoneInfo) -> Sql:
    """The value is on that day or before it."""
    if last == dt.date.max:
        return put("{} IS NOT NULL", value)
    return put("{} < {}", value, _midnight(last + dt.timedelta(days=1), zone))


def span(condition: Condition, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last day of a condition on dates that has both."""
    match condition.operator:
        case "last_days":
            return _moved(today, -int(condition.values[0])), today
        case "next_days":
            return today, _moved(today, int(condition.values[0]))
    days = [dt.date.fromisoformat(one) for one in condition.values]
    return days[0], days[-1]


def _moved(day: dt.date, days: int) -> dt.date:
    """Within the years that dates of Python and of attributes have."""
    number = day.toordinal() + days
    return dt.date.fromordinal(min(max(number, 2), dt.date(9999, 12, 30).toordinal()))


def anniversaries(today: dt.date, days: int) -> list[str]:
    """Month and day, such as 03-09, of today and so many days after. In years without 29 February
    its anniversary is 28 February."""
    found: set[str] = set()
    for number in range(min(days, 366) + 1):
        day = _moved(today, number)
        found.add(f"{day:%m-%d}")
        if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year):
            found.add("02-29")
    return sorted(found)
