"""The log as it was written, for tests."""

from collections.abc import Mapping

import pytest


def logged(caplog: pytest.LogCaptureFixture) -> list[tuple[str, Mapping[str, object]]]:
    """(words, fields) of each line; fields of None are left out, as the formatters do."""
    found: list[tuple[str, Mapping[str, object]]] = []
    for record in caplog.records:
        fields = getattr(record, "fields", {})
        known = {name: value for name, value in fields.items() if value is not None}
        found.append((record.getMessage(), known))
    return found


def named(caplog: pytest.LogCaptureFixture, words: str) -> list[Mapping[str, object]]:
    """The fields of the lines with these words."""
    return [fields for said, fields in logged(caplog) if said == words]
