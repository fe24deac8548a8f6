"""What uses attributes inside of the app, and how many contacts have a value of each."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts import columns
from contacts.attributeuses import Use, Wanted, finders
from contacts.models import Attribute, SavedMapping
from contacts.tablemodels import SavedView

# Contacts that are read for the shares: of more contacts a sample.
COUNTED = 2_000
SAMPLE = 1_000

# A rule may be large, so the database looks into the rules.
SEGMENTS = """
SELECT id, name,
       ARRAY(SELECT DISTINCT one ->> 'subject'
               FROM jsonb_path_query(rule, '$.** ? (@.kind == "attribute")') one),
       ARRAY(SELECT DISTINCT one ->> 'subject'
               FROM jsonb_path_query(rule, '$.** ? (@.kind == "segment")') one)
  FROM contacts_segment
 WHERE workspace_id = %s
 ORDER BY name
"""
# One contact after each of some random ids: two pages for each, and never a scan. A contact behind
# a gap of ids is found more often, which is good enough for a share. MATERIALIZED: each random
# number is drawn once. By pairs, so that only the index contact_by_id fits: by the primary key, a
# small workspace would be looked for among the contacts of all others.
SAMPLED = """
WITH ends AS (
    SELECT (SELECT id FROM contacts_contact WHERE (workspace_id, id) >= (%(workspace)s, 0)
             ORDER BY workspace_id, id LIMIT 1) AS low,
           (SELECT id FROM contacts_contact WHERE (workspace_id, id) < (%(workspace)s + 1, 0)
             ORDER BY workspace_id DESC, id DESC LIMIT 1) AS high
), drawn AS MATERIALIZED (
    SELECT low + floor(random() * (high - low + 1))::bigint AS number
      FROM ends, generate_series(1, %(size)s)
), found AS MATERIALIZED (
    SELECT DISTINCT after.id
      FROM drawn, LATERAL (
           SELECT workspace_id, id FROM contacts_contact
            WHERE (workspace_id, id) >= (%(workspace)s, drawn.number)
            ORDER BY workspace_id, id LIMIT 1) after
     WHERE after.workspace_id = %(workspace)s
)
SELECT attributes FROM found JOIN contacts_contact USING (id)
"""
ALL = "SELECT attributes FROM contacts_contact WHERE workspace_id = %(workspace)s"
# At most so many are counted.
MANY = """
SELECT count(*) > %(counted)s
  FROM (SELECT FROM contacts_contact WHERE workspace_id = %(workspace)s
         LIMIT %(counted)s + 1) some_of_them
"""
# {rows} is one of the two above.
SHARES = """
WITH read AS MATERIALIZED ({rows})
SELECT key, count(*), (SELECT count(*) FROM read)
  FROM read, jsonb_object_keys(attributes) AS key
 GROUP BY key
UNION ALL
SELECT NULL, 0, (SELECT count(*) FROM read)
"""


@dataclass(frozen=True, slots=True)
class Shares:
    """{key: contacts with a value}, of `people` contacts. Not `exact`: of a sample of them."""

    filled: Mapping[str, int]
    people: int
    exact: bool


# Of one choice, or of several.
HAVING = {
    Attribute.Type.CHOICE: """
SELECT attributes ->> %(key)s, count(*) FROM contacts_contact
 WHERE workspace_id = %(workspace)s AND attributes ->> %(key)s = ANY(%(choices)s) GROUP BY 1
""",
    Attribute.Type.CHOICES: """
SELECT one, count(*) FROM contacts_contact,
       jsonb_array_elements_text(CASE jsonb_typeof(attributes -> %(key)s)
                                 WHEN 'array' THEN attributes -> %(key)s ELSE '[]' END) one
 WHERE workspace_id = %(workspace)s AND one = ANY(%(choices)s) GROUP BY 1
""",
}


def having(attribute: Attribute, choices: Collection[str]) -> dict[str, int]:
    """{choice: how many contacts have it}, of these choices; without those that nobody has."""
    if not choices or attribute.type not in HAVING:
        return {}
    given: dict[str, Any] = {
        "workspace": attribute.workspace_id,
        "key": attribute.key,
        "choices": list(choices),
    }
    with connection.cursor() as cursor:
        cursor.execute(HAVING[Attribute.Type(attribute.type)], given)
        return dict(sorted(cursor.fetchall()))


def shares(workspace_id: int) -> Shares:
    """A bounded number of contacts is read, however many there are."""
    given = {"workspace": workspace_id, "size": SAMPLE, "counted": COUNTED}
    with connection.cursor() as cursor:
        cursor.execute(MANY, given)
        many = bool(cursor.fetchone()[0])
        cursor.execute(SHARES.format(rows=SAMPLED if many else ALL), given)
        return Shares(*_read(cursor.fetchall()), exact=not many)


def _read(rows: Iterable[tuple[str | None, int, int]]) -> tuple[dict[str, int], int]:
    found = list(rows)
    return {key: count for key, count, _all in found if key is not None}, found[-1][2]


def uses(workspace: Workspace, keys: Collection[str]) -> dict[str, list[Use]]:
    """{key: what uses the attribute}: segments, mappings, views, and what other apps know. A query
    for each kind of thing, whatever the number of keys."""
    found: dict[str, list[Use]] = {key: [] for key in keys}
    named, direct = _segments(workspace.pk)
    depending = {pk: _depends(pk, named) & set(keys) for pk in named}
    for key, use in direct:
        if key in found:
            found[key].append(use)
    wanted = Wanted(workspace.pk, set(keys), {pk: some for pk, some in depending.items() if some})
    for finder in finders:
        for key, use in finder(wanted):
            if use not in found[key]:
                found[key].append(use)
    return found


# {segment: (keys of attributes, other segments that it uses)}
_Rules = dict[int, tuple[set[str], set[int]]]


def _segments(workspace_id: int) -> tuple[_Rules, list[tuple[str, Use]]]:
    named: _Rules = {}
    direct: list[tuple[str, Use]] = []
    with connection.cursor() as cursor:
        cursor.execute(SEGMENTS, [workspace_id])
        for pk, name, keys, inner in cursor.fetchall():
            named[pk] = set(keys), {int(one) for one in inner if one.isdecimal()}
            words = _("Segment “{name}”").format(name=name)
            direct += [(key, (words, "segment", pk)) for key in keys]
    return named, direct


def _depends(number: int, named: _Rules) -> set[str]:
    """The keys of a segment and of all segments below it."""
    keys: set[str] = set()
    seen, waiting = {number}, [number]
    while waiting:
        own, inner = named.get(waiting.pop(), (set(), set()))
        keys |= own
        waiting += inner - seen
        seen |= inner
    return keys


@finders.add
def _mappings(wanted: Wanted) -> Iterable[tuple[str, Use]]:
    own = SavedMapping.objects.filter(workspace=wanted.workspace_id).order_by("name")
    for saved in own:
        for key in columns.keys_in(saved.targets) & set(wanted.keys):
            yield (
                key,
                (_("Saved mapping “{name}”").format(name=saved.name), "edit_mapping", saved.pk),
            )


@finders.add
def _views(wanted: Wanted) -> Iterable[tuple[str, Use]]:
    own = SavedView.objects.filter(workspace=wanted.workspace_id, shared=True).order_by("name")
    for view in own:
        if (key := view.parameters.get("attribute", "")) in wanted.keys:
            yield key, (_("View “{name}”").format(name=view.name), "edit_view", view.pk)
