"""SQL that asks the bits of mailings (queries.answers) about a contact `c`, for segments.

All spans of the workspace's contacts are put together to one string of bits, once for a statement,
and each contact asks for its bit: PostgreSQL reads an index of contacts and nothing else, in any
order, whatever its statistics say. Mailings without stored bits are read from messages or events,
to the same form.
"""

from collections.abc import Collection, Iterable, Sequence

from django.db.models import Max, Min

from contacts.models import Contact
from contacts.segments.kinds import Context
from contacts.segments.sql import Sql, given, given_list, put
from sending.queries import answers
from sending.queries.answers import NONE, SHIFT, Kind, one

# Spans of one string: 4 MB. Contacts whose ids lie farther apart are not asked this way.
MOST_SPANS = 8192
# bit_send: four bytes with the length, then the bits. get_bit of bytes counts from the lowest bit
# of each, a bit string from the highest: hence "# 7".
ASKED = f"""
CASE WHEN c.id BETWEEN {{}} AND {{}} THEN get_bit((
    SELECT string_agg(substring(bit_send(coalesce(b.bits, {NONE})) FROM 5), ''::bytea
                      ORDER BY s.span)
      FROM generate_series({{}}, {{}}) AS s (span) LEFT JOIN ({{}}) b ON b.span = s.span
), (c.id - {{}}) # 7) > 0 ELSE false END
"""  # noqa: S608 - only constants of ours
STORED = """
SELECT mailing_id, kind, span, bits FROM sending_answerbits
 WHERE mailing_id = ANY({}) AND kind = ANY({})
"""
# From the index of events alone.
OF_EVENTS = f"""
SELECT e.mailing_id, {{}} AS kind, e.contact_id >> {SHIFT} AS span,
       bit_or({one("e.contact_id")}) AS bits
  FROM sending_event e
 WHERE e.mailing_id = ANY({{}}) AND e.kind = {{}} AND e.contact_id > 0 {{}} GROUP BY 1, 3
"""  # noqa: S608 - only constants of ours
# {kind: (kind of its events, of which actors)}
EVENTS = {
    Kind.OPENED: ("opened", "AND e.actor <= 0"),
    Kind.OPENED_TOO: ("opened", ""),
    Kind.CLICKED: ("clicked", "AND e.actor <= 0"),
    Kind.CLICKED_TOO: ("clicked", ""),
}
AT_LEAST_ONE = "SELECT span, bit_or(bits) AS bits FROM ({}) r GROUP BY span"
# A mailing counts once, also if rows of several kinds say it.
AT_LEAST = """
SELECT span, sending_at_least(bits, {}) AS bits
  FROM (SELECT mailing_id, span, bit_or(bits) AS bits FROM ({}) r GROUP BY 1, 2) m GROUP BY span
"""
NONE_OF = f"""
SELECT span, bit_or(bits) FILTER (WHERE kind = {Kind.SENT:d})
             & ~coalesce(bit_or(bits) FILTER (WHERE kind <> {Kind.SENT:d}), {NONE}) AS bits
  FROM ({{}}) r GROUP BY span
"""  # noqa: S608 - only constants of ours


def at_least(
    times: int, kinds: Collection[Kind], mailings: Sequence[int], context: Context
) -> Sql | None:
    """Of so many mailings the contact is one of the kinds. None: it can't be asked by bits."""
    if times > len(mailings):
        return Sql("false")
    rows = _rows(kinds, mailings)
    if times == 1:
        return _asked(put(AT_LEAST_ONE, rows), context)
    return _asked(put(AT_LEAST, given(times, "int"), rows), context)


def none_of(kinds: Collection[Kind], mailings: Sequence[int], context: Context) -> Sql | None:
    """The contact was sent one of the mailings, and is none of the kinds for any."""
    if not mailings:
        return Sql("false")
    return _asked(put(NONE_OF, _rows([Kind.SENT, *kinds], mailings)), context)


def _rows(kinds: Collection[Kind], mailings: Sequence[int]) -> Sql:
    """(mailing_id, kind, span, bits)"""
    stored = answers.ready(mailings)
    parts = [put(STORED, given_list(stored, "bigint"), given_list(kinds, "smallint"))]
    if rest := sorted({*mailings}.difference(stored)):
        parts += _computed(kinds, given_list(rest, "bigint"))
    return put(" UNION ALL ".join(["{}"] * len(parts)), *parts)


def _computed(kinds: Iterable[Kind], mailings: Sql) -> list[Sql]:
    of_messages = [kind for kind in kinds if kind not in EVENTS]
    parts = [put(answers.of_messages(of_messages), mailings)] if of_messages else []
    for kind in kinds:
        if kind in EVENTS:
            event, actors = EVENTS[kind]
            number = Sql(f"{kind:d}::smallint")
            parts.append(put(OF_EVENTS, number, mailings, given(event, "text"), Sql(actors)))
    return parts


def _asked(bits: Sql, context: Context) -> Sql | None:
    """`bits`: (span, bits)"""
    ends = _ends(context)
    if ends is None:
        return Sql("false")
    first, last = (number >> SHIFT for number in ends)
    if last - first >= MOST_SPANS:
        return None
    lowest, highest = (given(number << SHIFT, "bigint") for number in (first, last + 1))
    spans = [given(number, "bigint") for number in (first, last)]
    return put(ASKED, lowest, put("{} - 1", highest), *spans, bits, lowest)


def _ends(context: Context) -> tuple[int, int] | None:
    """The least and the greatest id of the workspace's contacts."""
    key = ("contacts", "")
    if key not in context.memo:
        own = Contact.objects.filter(workspace=context.workspace_id)
        context.memo[key] = tuple(own.aggregate(Min("pk"), Max("pk")).values())
    first, last = context.memo[key]
    return None if first is None else (first, last)
