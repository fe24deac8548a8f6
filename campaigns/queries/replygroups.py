"""Groups servers' replies that differ only in details.

A reply often names the recipient, a queue or a time. Without these, thousands of replies are equal.
"""

from typing import Any

from django.db.models import CharField, Func

# The code and the enhanced code stay ("550 5.1.1"). After them, each word that contains a digit or
# an @ becomes "…".
SAME = (
    r"(coalesce(substring({0} from '^\d{{3}}(?:[ -]\d\.\d{{1,3}}\.\d{{1,3}})?'), '')"
    r" || regexp_replace(regexp_replace(left({0}, 300),"
    r" '^\d{{3}}(?:[ -]\d\.\d{{1,3}}\.\d{{1,3}})?', ''), '\S*[0-9@]\S*', '…', 'g'))"
)


def same(column: str) -> str:
    """SQL: the reply without its details. `column` must be a name of ours: it isn't quoted."""
    return SAME.format(column)


class Same(Func):
    """`same` as an expression of the ORM, for filters."""

    output_field = CharField()

    def as_sql(self, compiler: Any, *_args: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        [(sql, parameters)] = [compiler.compile(part) for part in self.source_expressions]
        return same(sql), tuple(parameters)
