"""The ways in which an address may be suppressed, as SQL: the only text of the rule.

Suppressions of addresses and domains by the workspace that last are the ordinary ways. The others
are rare: those that end, those of the installation, patterns, and digests of erased persons. A
statement only has the ways of which there is a row (`of`), so that the others cost it nothing: a
freeze of a million people and a claim have the same plan as if they did not exist. A row that is
added between the two look-ups is found by the next claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from django.db import connection

from contacts import erasure

# For `{row}`, a row of contacts_suppression: it is one of this way, and in force.
OF_WORKSPACE = "{row}.workspace_id = {workspace} AND {row}.lifted_at IS NULL"
LASTING = f"{OF_WORKSPACE} AND {{row}}.until IS NULL"
ENDING = f"{OF_WORKSPACE} AND {{row}}.until > now()"
NOT_ENDED = "({row}.until IS NULL OR {row}.until > now())"
OF_ALL = f"{{row}}.workspace_id IS NULL AND {{row}}.lifted_at IS NULL AND {NOT_ENDED}"
OF_EITHER = (
    "({row}.workspace_id = {workspace} OR {row}.workspace_id IS NULL)"
    f" AND {{row}}.lifted_at IS NULL AND {NOT_ENDED}"
)
# What is compared with the row's value.
ADDRESS, DOMAIN = "{address}", "split_part({address}, '@', 2)"
# contacts.erasure.DigestKey.digest
DIGEST = (
    "encode(sha256({outer}::bytea || sha256({inner}::bytea || convert_to({address}, 'UTF8'))),"
    " 'hex')"
)


@dataclass(frozen=True, slots=True)
class Way:
    """`of`: condition on a row; `compared`: with its value, or "" for a pattern. `code`: a code of
    pages.reasons, as SQL. `may_be_ignored`: by mails of some purposes (sending.purposes). `key`:
    the number of its key in contacts.erasure.digest_keys."""

    name: str
    of: str
    compared: str
    code: str
    may_be_ignored: bool = False
    key: int | None = None

    def condition(self, row: str, *, address: str, workspace: str, keys: Sequence[str] = ()) -> str:
        """SQL: a suppression `row` stops `address`. `keys`: placeholders for the outer and the
        inner block of the digest's key."""
        given = self._given(row, address=address, workspace=workspace, keys=keys)
        if not self.compared:
            return f"{self.of} AND {{address}} LIKE {{row}}.like_text".format(**given)
        return f"{self.of} AND {{row}}.value = {self.compared}".format(**given)

    def membership(self, *, address: str, workspace: str, keys: Sequence[str] = ()) -> str:
        """SQL: any stops `address`. A set, which PostgreSQL hashes once."""
        given = self._given("stop", address=address, workspace=workspace, keys=keys)
        column = "value" if self.compared else "like_text"
        rows = f"SELECT stop.{column} FROM contacts_suppression stop WHERE {self.of}"  # noqa: S608
        if not self.compared:
            return f"{{address}} LIKE ANY (ARRAY({rows}))".format(**given)
        return f"{self.compared} IN ({rows})".format(**given)

    def _given(
        self, row: str, *, address: str, workspace: str, keys: Sequence[str]
    ) -> dict[str, str]:
        if self.key is None:
            outer, inner = "", ""
        else:
            outer, inner = keys or (f"%(outer{self.key})s", f"%(inner{self.key})s")
        return {
            "row": row,
            "address": address,
            "workspace": workspace,
            "outer": outer,
            "inner": inner,
        }

    @property
    def blocks(self) -> list[bytes]:
        """The parameters for `keys`, in the order in which they stand in the SQL."""
        if self.key is None:
            return []
        one = erasure.digest_keys()[self.key]
        return [one.outer, one.inner]


_REASON = "'suppressed_' || {row}.reason"
ORDINARY = (
    Way(
        "by_address",
        f"{LASTING} AND {{row}}.kind = 'address'",
        ADDRESS,
        _REASON,
        may_be_ignored=True,
    ),
    Way("by_domain", f"{LASTING} AND {{row}}.kind = 'domain'", DOMAIN, "'suppressed_domain'"),
)
PAUSE = "by_pause"
RARE = (
    Way(
        "by_ending_address",
        f"{ENDING} AND {{row}}.kind = 'address' AND {{row}}.reason <> 'paused'",
        ADDRESS,
        _REASON,
        may_be_ignored=True,
    ),
    Way(
        PAUSE,
        f"{ENDING} AND {{row}}.kind = 'address' AND {{row}}.reason = 'paused'",
        ADDRESS,
        _REASON,
        may_be_ignored=True,
    ),
    Way("by_ending_domain", f"{ENDING} AND {{row}}.kind = 'domain'", DOMAIN, "'suppressed_domain'"),
    Way("by_pattern", f"{OF_EITHER} AND {{row}}.kind = 'pattern'", "", "'suppressed_pattern'"),
    Way(
        "everywhere_by_address",
        f"{OF_ALL} AND {{row}}.kind = 'address'",
        ADDRESS,
        "'suppressed_everywhere'",
    ),
    Way(
        "everywhere_by_domain",
        f"{OF_ALL} AND {{row}}.kind = 'domain'",
        DOMAIN,
        "'suppressed_everywhere'",
    ),
)


def _erased(number: int) -> Way:
    """By the key with this number."""
    of = f"{LASTING} AND {{row}}.kind = 'erased'"
    code = "'suppressed_erased'"
    return Way(f"by_erasure{number}", of, DIGEST, code, may_be_ignored=True, key=number)


# At most one row for each recipient. The first condition is a gate: it is computed from one list of
# all patterns, so that only an address that one matches is compared with each.
PATTERN_JOIN = """
  LEFT JOIN LATERAL (
       SELECT stop.id, stop.reason FROM contacts_suppression stop
        WHERE {gate} AND {condition} ORDER BY stop.workspace_id NULLS LAST, stop.id LIMIT 1
       ) {name} ON true
"""


@dataclass(frozen=True)
class Ways:
    """The ways that a statement needs, in the order in which the first one gives the reason."""

    all: tuple[Way, ...]

    @property
    def rare(self) -> tuple[Way, ...]:
        return self.all[len(ORDINARY) :]

    @property
    def of_imports(self) -> "Ways":
        """Those for which an import leaves the whole row out. Who paused only wants no mail for a
        while."""
        return Ways(tuple(way for way in self.all if way.name != PAUSE))

    @property
    def blocks(self) -> list[bytes]:
        """The parameters of statements without names, in the order in which they stand there."""
        return [block for way in self.all for block in way.blocks]

    def joins(
        self,
        address: str,
        *,
        workspace: str = "%(workspace)s",
        ignoring: bool = False,
        keys: Sequence[str] = (),
    ) -> str:
        """LEFT JOINs of the suppressions that stop an `address` (SQL): at most one row for each
        way. `ignoring`: reasons in the parameter `ignored` don't count. `keys`: ("%s", "%s") in a
        statement without names."""
        found = ""
        for way in self.all:
            condition = way.condition(way.name, address=address, workspace=workspace, keys=keys)
            if not way.compared:
                found += _pattern_join(way, address, workspace)
                continue
            if ignoring and way.may_be_ignored:
                condition += f" AND {way.name}.reason <> ALL(%(ignored)s)"
            found += f"  LEFT JOIN contacts_suppression {way.name} ON {condition}\n"
        return found

    def lateral_joins(self, address: str, *, workspace: str = "%(workspace)s") -> str:
        """Like `joins`, for statements in which each row must be looked up by an index."""
        found = ""
        for way in self.all:
            if not way.compared:
                found += _pattern_join(way, address, workspace)
                continue
            where = way.condition("stop", address=address, workspace=workspace)
            found += (
                f"LEFT JOIN LATERAL (SELECT id, reason FROM contacts_suppression stop"  # noqa: S608
                f" WHERE {where} OFFSET 0) {way.name} ON true\n"
            )
        return found

    @cached_property
    def reason(self) -> str:
        """With the joins: why the address must not be mailed, a code of pages.reasons; null: it may
        be."""
        cases = " ".join(
            f"WHEN {way.name}.id IS NOT NULL THEN {way.code.format(row=way.name)}"
            for way in self.all
        )
        return f"CASE {cases} END"

    @cached_property
    def stopped(self) -> str:
        """With the joins: whether it must not be mailed."""
        return "(" + " OR ".join(f"{way.name}.id IS NOT NULL" for way in self.all) + ")"

    @cached_property
    def cause(self) -> str:
        """With the joins: the id of the suppression that gives the reason."""
        return "coalesce(" + ", ".join(f"{way.name}.id" for way in self.all) + ")"


def _pattern_join(way: Way, address: str, workspace: str) -> str:
    return PATTERN_JOIN.format(
        name=way.name,
        gate=way.membership(address=address, workspace=workspace),
        condition=way.condition("stop", address=address, workspace=workspace),
    )


# Whether there is any rare one, by the index with only those (suppression_rare). Nearly always
# there is none, and this is all that a claim pays: the statement below takes four times as long.
ANY_RARE = """
SELECT EXISTS (SELECT FROM contacts_suppression
                WHERE lifted_at IS NULL
                  AND (until IS NOT NULL OR workspace_id IS NULL OR kind IN ('pattern', 'erased'))
                  AND (workspace_id = %(workspace)s OR workspace_id IS NULL))
"""


@cache
def _probe(keys: int) -> tuple[tuple[Way, ...], str]:
    """The rare ways, and the statement that asks of which there are rows: an index with hardly any
    rows is looked up for each."""
    rare = (*RARE, *map(_erased, range(keys)))
    asked = ", ".join(
        "EXISTS (SELECT FROM contacts_suppression stop WHERE "
        + way.of.format(row="stop", workspace="%(workspace)s")
        + ")"
        for way in rare
    )
    return rare, f"SELECT {asked}"


@cache
def _ways(rare: tuple[Way, ...]) -> Ways:
    return Ways((*ORDINARY, *rare))


def parameters() -> dict[str, bytes]:
    """What the SQL of any ways needs besides the workspace."""
    found: dict[str, bytes] = {}
    for number, key in enumerate(erasure.digest_keys()):
        found |= {f"outer{number}": key.outer, f"inner{number}": key.inner}
    return found


def of(workspace_id: int) -> Ways:
    """The ways in which addresses are suppressed in the workspace now."""
    known = {"workspace": workspace_id}
    with connection.cursor() as cursor:
        cursor.execute(ANY_RARE, known)
        if not (cursor.fetchone() or (False,))[0]:
            return _ways(())
        rare, probe = _probe(len(erasure.digest_keys()))
        cursor.execute(probe, known)
        there = cursor.fetchone() or ()
    return _ways(tuple(way for way, is_there in zip(rare, there, strict=True) if is_there))
