"""Servers' replies, grouped by what is the same in them.

A reply often names the recipient, a queue or a time; without those, thousands of replies are one.
"""

from typing import Any

from django.db.models import CharField, Func

# The code and the enhanced code stay ("550 5.1.1"); of the rest, words that hold a digit or an @
# become "…".
SAME = (
    r"(coalesce(substring({0} from '^\d{{3}}(?:[ -]\d\.\d{{1,3}}\.\d{{1,3}})?'), '')"
    r" || regexp_replace(regexp_replace(left({0}, 300),"
    r" '^\d{{3}}(?:[ -]\d\.\d{{1,3}}\.\d{{1,3}})?', ''), '\S*[0-9@]\S*', '…', 'g'))"
)


def same(column: str) -> str:
    """SQL: what is the same in replies of one kind; `column` is a name of ours."""
    return SAME.format(column)


class Same(Func):
    """The same as an expression, to filter by."""

    output_field = CharField()

    def as_sql(self, compiler: Any, *_args: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:
        [(sql, parameters)] = [compiler.compile(part) for part in self.source_expressions]
        return same(sql), tuple(parameters)
