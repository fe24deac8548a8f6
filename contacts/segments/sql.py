"""Pieces of SQL with their parameters, in the order in which they stand there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """`text` has a %s for each of the parameters. What a person typed is only ever a parameter."""

    text: str
    parameters: tuple[Any, ...] = ()

    def __str__(self) -> str:
        raise TypeError("put it into other SQL with `put`, or its parameters are lost")


def put(pattern: str, *parts: "Sql") -> Sql:
    """The pattern with the parts for its `{}`, one after the other."""
    parameters = tuple(value for part in parts for value in part.parameters)
    return Sql(pattern.format(*(part.text for part in parts)), parameters)


def joined(word: str, parts: Sequence["Sql"]) -> Sql:
    """The parts with the word between, in brackets."""
    return put("(" + f" {word} ".join(["{}"] * len(parts)) + ")", *parts)


def given(value: Any, kind: str) -> Sql:
    """A parameter of a type of the database."""
    return Sql(f"%s::{kind}", (value,))


def given_list(values: Iterable[Any], kind: str) -> Sql:
    return Sql(f"%s::{kind}[]", (list(values),))
