"""Conditions on an attribute whose values are indexed (contacts.valuemodels), as queries that read
nothing but the index. They mean the same as the conditions on a contact's row in
`contacts.segments.predicates`; tests compare both for each operator. Pure."""

import unicodedata

from contacts.segments import predicates
from contacts.segments.kinds import Context, Match
from contacts.segments.rules import Condition
from contacts.segments.sql import Sql, given, given_list, put

# Texts from this length on are compared with the row: the index has only the beginning.
LONG = 190
ROWS = "SELECT v.contact_id FROM contacts_indexedvalue v WHERE v.attribute_id = {} AND "
# Beyond any day: what is no date.
NO_DATE = "~"
# {operator: the one whose contacts are all others}
OTHERS = {
    "is_not": "is",
    "contains_not": "contains",
    "none_of": "one_of",
    "blank": "filled",
    "unequal": "equal",
}
TEXTS = ("text", "choice")
# Types of attributes whose values can be indexed.
TYPES = (*TEXTS, "number", "date", "boolean")


def match(condition: Condition, attribute: int, type_: str, context: Context) -> Match | None:
    """`attribute`: its id. None: the index can't tell."""
    if type_ not in TYPES:
        return None
    operator = OTHERS.get(condition.operator, condition.operator)
    asked = Condition(condition.kind, condition.subject, operator, condition.values)
    wanted = _wanted(asked, type_, context)
    if wanted is None:
        return None
    number = given(attribute, "bigint")
    rows = put(ROWS + "{}", number, wanted)
    if operator in {"contains", "filled"} and type_ in TEXTS:
        rows = put("{} UNION ALL " + ROWS + "{}", rows, number, _long(asked))
    return Match(rows, people=True, without=operator != condition.operator)


def _wanted(one: Condition, type_: str, context: Context) -> Sql | None:
    """A condition on the row `v`."""
    if one.operator == "filled":
        return Sql("btrim(v.text) <> ''") if type_ in {*TEXTS, "date"} else Sql("true")
    match type_:
        case "number":
            return predicates.compared(Sql("v.number"), one)
        case "boolean":
            return Sql("v.number = " + ("1" if one.operator == "yes" else "0"))
        case "date":
            return _date(one, context)
    return None if _is_long(one) else predicates.of_folded(Sql("v.text"), one)


def _is_long(one: Condition) -> bool:
    folded = (unicodedata.normalize("NFKC", str(text)).lower() for text in one.values)
    return any(len(text) >= LONG for text in folded)


def _long(one: Condition) -> Sql:
    """Values whose beginning does not tell."""
    if one.operator == "filled":
        return Sql("v.whole IS NOT NULL AND btrim(v.text) = ''")
    first = predicates.of_folded(Sql("v.text"), one)
    return put(
        "v.whole IS NOT NULL AND {} AND NOT ({})",
        predicates.of_folded(Sql("v.whole"), one),
        first,
    )


def _date(one: Condition, context: Context) -> Sql:
    if one.operator == "anniversary":
        days = predicates.anniversaries(context.today, int(one.values[0]))
        of_day = put("substr(v.text, 6, 5) = ANY({})", given_list(days, "text"))
    else:
        of_day = predicates.compared_day(Sql("v.text"), one, context.today)
    return put("{} AND v.text < '" + NO_DATE + "'", of_day)
