"""Keyset paging of tables: a page starts after the last row of the page before, found by the index.

Without OFFSET and without exact counts of large results, page 20,000 of a million rows costs as
much as page 1. Rows that are added or deleted meanwhile make no other row repeat or vanish. Rows
without a value in the sorted column come last in both directions.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from django.core import signing
from django.core.exceptions import FieldDoesNotExist
from django.db import connections
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from pages import locales, numbers, statements, wellformed
from pages.queries import counting

M = TypeVar("M", bound=Model)
SALT = "pages.tables"
SIZE = 50
# Results are counted exactly up to this number, and as long as `limit_counts` says. Else the
# planner's estimate is shown.
COUNT_UP_TO = 10_000
# Parameters of the URL that only give the position in the result.
PAGING = ("after", "before")


class RowValue(Func):
    """`(a, b) > (c, d)` as a row comparison, so that PostgreSQL uses the index on (a, b)."""

    output_field = BooleanField()
    conditional = True

    def __init__(self, operator: str, *expressions: Any) -> None:
        super().__init__(*expressions)
        self.operator = operator

    def as_sql(self, compiler: Any, *_args: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        parts, values = [], []
        for expression in self.source_expressions:
            sql, parameters = compiler.compile(expression)
            parts.append(sql)
            values.extend(parameters)
        a, b, c, d = parts
        return f"({a}, {b}) {self.operator} ({c}, {d})", tuple(values)


@dataclass(frozen=True, slots=True)
class Sort:
    """A sort order: a field or annotation, and whether it can be NULL."""

    field: str
    nullable: bool = True


@dataclass(frozen=True, slots=True)
class SortLink:
    """The link of a column's heading, and the current sort direction of the column."""

    url: str
    direction: Literal["", "ascending", "descending"] = ""


@dataclass
class Page(Generic[M]):
    """One page of a table, for its template."""

    rows: list[M]
    queryset: QuerySet[M]
    sort: str
    parameters: QueryDict
    first_cursor: str = ""
    last_cursor: str = ""
    known_total: int | None = None
    # Milliseconds that counting may take; 0: no limit.
    longest_count: ClassVar[int] = 0

    def __iter__(self) -> Iterator[M]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def _url(self, **changes: str) -> str:
        parameters = self.parameters.copy()
        for name in PAGING:
            parameters.pop(name, None)
        for name, value in changes.items():
            parameters[name] = value
        return f"?{parameters.urlencode()}"

    @property
    def next_url(self) -> str:
        return self._url(after=self.last_cursor) if self.last_cursor else ""

    @property
    def previous_url(self) -> str:
        return self._url(before=self.first_cursor) if self.first_cursor else ""

    @property
    def query(self) -> str:
        """The filter parameters only, for actions on the whole result."""
        parameters = self.parameters.copy()
        for name in (*PAGING, "sort"):
            parameters.pop(name, None)
        return parameters.urlencode()

    @property
    def sort_given(self) -> bool:
        """Whether the URL names a sort order."""
        return "sort" in self.parameters

    def sort_link(self, name: str) -> SortLink:
        if self.sort == name:
            return SortLink(self._url(sort=f"-{name}"), "ascending")
        if self.sort == f"-{name}":
            return SortLink(self._url(sort=name), "descending")
        return SortLink(self._url(sort=name))

    @cached_property
    def total(self) -> tuple[int, bool]:
        """(number of rows in the result, whether it is exact)."""
        if self.known_total is not None:
            return self.known_total, True
        if not self.last_cursor and not self.first_cursor:
            return len(self.rows), True
        counted = _counted(self.queryset, self.longest_count)
        if counted is None:
            return max(estimate(self.queryset), len(self.rows)), False
        if counted <= COUNT_UP_TO:
            return counted, True
        return max(estimate(self.queryset), COUNT_UP_TO), False

    @property
    def total_text(self) -> str:
        count, exact = self.total
        if exact:
            return locales.number(count)
        return _("about {count}").format(count=locales.number(_rounded(count)))

    @property
    def summary(self) -> str:
        return ngettext("{count} in this result", "{count} in this result", self.total[0]).format(
            count=self.total_text
        )


def limit_counts(milliseconds: int) -> None:
    """Limits the time for counting a result, so that a page does not wait for its number. Web
    processes call it; 0 means no limit."""
    Page.longest_count = milliseconds


def _counted(queryset: QuerySet[Any], milliseconds: int) -> int | None:
    """The number of rows, at most COUNT_UP_TO + 1. None: it takes longer than so many
    milliseconds."""
    rows = queryset.order_by()[: COUNT_UP_TO + 1]
    return counting.within(milliseconds, rows) if milliseconds else rows.count()


def _rounded(count: int) -> int:
    """Rounds to two digits: an estimate must not look exact."""
    step: int = 10 ** max(0, len(str(count)) - 2)
    return round(count / step) * step


def estimate(queryset: QuerySet[Any]) -> int:
    """The planner's estimate of the number of rows, without reading them."""
    sql, parameters = statements.sql_of(queryset.order_by())
    with connections[queryset.db].cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", parameters)
        row = cursor.fetchone()
    return int(row[0][0]["Plan"]["Plan Rows"]) if row else 0


def _nullable(queryset: QuerySet[Any], name: str) -> bool:
    """Whether a field, also of a relation, can be NULL. An annotation counts as nullable."""
    if name in queryset.query.annotations:
        return True
    meta, nullable = queryset.model._meta, False  # noqa: SLF001  # Django's documented API
    for part in name.split("__"):
        try:
            found = meta.pk if part == "pk" else meta.get_field(part)
        except FieldDoesNotExist:
            return True
        nullable = nullable or bool(getattr(found, "null", False))
        if related := getattr(found, "related_model", None):
            meta = related._meta  # noqa: SLF001
    return nullable


Key = tuple[Any, int]


def _encode(sort: str, key: Key) -> str:
    value, pk = key
    kind = ""
    if isinstance(value, datetime | date):
        kind = "datetime" if isinstance(value, datetime) else "date"
        value = value.isoformat()
    elif isinstance(value, Decimal):
        kind, value = "decimal", str(value)
    return signing.dumps([sort, kind, value, pk], salt=SALT)


READ: dict[str, Callable[[Any], Any]] = {
    "": lambda value: value,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "decimal": Decimal,
}


def _decode(sort: str, token: str | None) -> Key | None:
    """The key of the row that a cursor names; None if it is forged or made for another sort
    order."""
    if not token:
        return None
    try:
        made_for, kind, value, pk = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return None
    return (READ[kind](value), pk) if made_for == sort else None


class RowReader(Protocol[M]):
    """Reads ranges of a sorted result, from a queryset or another source."""

    def key(self, row: M) -> Key: ...

    def stretch(self, start: Key | None, count: int, *, backward: bool = False) -> list[M]:
        """Up to `count` rows after (before) `start`, in the table's order."""
        ...


@dataclass
class _QueryReader(Generic[M]):
    """Reads ranges of a sorted queryset. `down`: the sort is descending."""

    queryset: QuerySet[M]
    sort: Sort
    down: bool

    def key(self, row: M) -> Key:
        value: Any = row
        for part in self.sort.field.split("__"):
            value = getattr(value, part, None)
        return value, row.pk

    def stretch(self, start: Key | None, count: int, *, backward: bool = False) -> list[M]:
        """Up to `count` rows after (before) `start`, in the table's order."""
        # First the rows with a value, then those without. A plain index sorts each part.
        parts = [False, True] if self.sort.nullable else [False]
        if backward:
            parts.reverse()
        if start:
            parts = parts[parts.index(start[0] is None) :]
        rows: list[M] = []
        for nulls in parts:
            if len(rows) < count:
                here = start if start and (start[0] is None) == nulls else None
                rows += self._part(nulls, here, count - len(rows), backward=backward)
        return rows[::-1] if backward else rows

    def _part(self, nulls: bool, start: Key | None, count: int, *, backward: bool) -> list[M]:
        down = self.down != backward
        operator, sign = ("<", "-") if down else (">", "")
        rows = self.queryset
        name = self.sort.field
        if self.sort.nullable:
            rows = rows.filter(**{f"{name}__isnull": nulls})
        if nulls:
            if start:
                rows = rows.filter(**{f"pk__{'lt' if down else 'gt'}": start[1]})
            return list(rows.order_by(f"{sign}pk")[:count])
        if start:
            rows = rows.filter(
                RowValue(operator, F(name), F("pk"), Value(start[0]), Value(start[1]))
            )
        order = [f"{sign}pk"] if name in {"pk", "id"} else [f"{sign}{name}", f"{sign}pk"]
        return list(rows.order_by(*order)[:count])


def _chosen(wanted: str, sorts: Mapping[str, str | Sort], default: str) -> str:
    return wanted if wanted.removeprefix("-") in sorts else default


def keyset(  # noqa: PLR0913  # two things and four options
    queryset: QuerySet[M],
    request: HttpRequest,
    *,
    sorts: Mapping[str, str | Sort],
    default: str = "-id",
    size: int = SIZE,
    total: int | None = None,
) -> Page[M]:
    """The page of `queryset` that the request's `sort`, `after` and `before` ask for.

    `sorts` maps the names allowed in `sort` (a leading "-" reverses) to fields, fields of
    relations or annotations; `default` may be "id" without an entry there. `total`: the exact
    number of rows, if the caller knows it. The order of the queryset is ignored. An unknown sort or
    cursor gives the first page.
    """
    known = {name.removeprefix("-"): given for name, given in sorts.items()}
    known.setdefault("id", "pk")
    chosen = _chosen(request.GET.get("sort", ""), known, default)
    given = known[chosen.removeprefix("-")]
    sort = given if isinstance(given, Sort) else Sort(given, _nullable(queryset, given))
    reader = _QueryReader(queryset, sort, chosen.startswith("-"))
    return fill(Page([], queryset, chosen, request.GET, known_total=total), reader, request, size)


def fill(page: Page[M], reader: RowReader[M], request: HttpRequest, size: int = SIZE) -> Page[M]:
    """The page with the rows that the request's `after` and `before` ask for."""
    # The cursor names its table: that of another table may hold a date where this one has a name.
    chosen = f"{page.queryset.model._meta.label}.{page.sort}"  # noqa: SLF001  # Django's documented API
    before = _decode(chosen, request.GET.get("before"))
    after = _decode(chosen, request.GET.get("after")) if not before else None
    more_before, more_after = bool(after), bool(before)
    if before:
        rows = reader.stretch(before, size + 1, backward=True)
        more_before = len(rows) > size
        page.rows = rows[-size:]
    if not before or not more_before:  # fewer rows before: show the full first page
        rows = reader.stretch(None if before else after, size + 1)
        if not rows and after:  # the following rows were deleted meanwhile
            rows, more_before = reader.stretch(None, size + 1), False
        more_after = len(rows) > size
        page.rows = rows[:size]
    if page.rows and more_before:
        page.first_cursor = _encode(chosen, reader.key(page.rows[0]))
    if page.rows and more_after:
        page.last_cursor = _encode(chosen, reader.key(page.rows[-1]))
    return page


def selected(request: HttpRequest, filtered: Callable[[QueryDict], QuerySet[M]]) -> QuerySet[M]:
    """The rows that a bulk action applies to: the ticked ones (`pk`), or, with `all`, every row
    that matches the page's filters (`query`). `filtered` returns the workspace's rows for filter
    parameters, as it does for the page itself."""
    if request.POST.get("all") == "1":
        return filtered(wellformed.parameters(request.POST.get("query", "")))
    ticked = map(numbers.whole, request.POST.getlist("pk"))
    return filtered(QueryDict()).filter(pk__in=[pk for pk in ticked if pk is not None])
