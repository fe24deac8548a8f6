"""A workspace with a row in every table that depends on it, made from what the models say."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from accounts.models import User, Workspace
from accounts.services.erasing import erasing_order
from sending.models import AnswerBits

MOMENT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
# What a field needs beyond its kind, by table and field.
NEEDED: dict[tuple[str, str], Any] = {
    ("AnswerBits", "bits"): "0" * AnswerBits.SIZE,
    ("ImportedContact", "outcome"): "new",
    ("Job", "kind"): "delete",
    ("Job", "parameters"): {"query": ""},
}
# Empty, as the other of two ways is filled.
EMPTY = {("Mailing", "pool"), ("Campaign", "pool"), ("SignupForm", "pool")}


class Filler:
    """Makes one row of each table, and uses it wherever another table refers to it."""

    def __init__(self, workspace: Workspace, user: User) -> None:
        self.made: dict[type[models.Model], models.Model] = {Workspace: workspace, User: user}

    def fill(self) -> None:
        for model, _way in reversed(erasing_order()):
            self.row(model)

    def row(self, model: type[models.Model]) -> models.Model:
        if model not in self.made:
            values = {
                field.name: self._value(field)
                for field in model._meta.concrete_fields
                if not isinstance(field, models.GeneratedField) and not self._left(field)
            }
            self.made[model] = model._base_manager.create(**values)
        return self.made[model]

    def _left(self, field: Any) -> bool:
        """Fields that the database or Django fills."""
        if (field.model.__name__, field.name) in EMPTY:
            return True
        if isinstance(field, models.ForeignKey):
            # A row may refer to one of its own table only later.
            return field.related_model is field.model
        needed = (field.model.__name__, field.name) in NEEDED
        return not needed and bool(field.primary_key or field.has_default() or field.null)

    def _value(self, field: Any) -> Any:
        if (known := NEEDED.get((field.model.__name__, field.name))) is not None:
            return known
        if isinstance(field, models.ForeignKey):
            return self.row(field.related_model)
        if field.choices:
            return field.choices[0][0]
        if isinstance(field, (models.TextField, models.CharField)) and field.unique:
            return str(self.made[Workspace].pk)
        for kind, value in KINDS:
            if isinstance(field, kind):
                return value() if callable(value) else value
        raise AssertionError(f"what {field} may hold is not known here")


KINDS: tuple[tuple[type[Any], Any], ...] = (
    (models.DateTimeField, MOMENT),
    (models.DateField, MOMENT.date()),
    (models.TimeField, MOMENT.time()),
    (models.DurationField, timedelta(hours=1)),
    (models.UUIDField, uuid4),
    (models.BooleanField, False),
    (models.EmailField, "a@x.example"),
    (models.TextField, "a"),
    (models.CharField, "a"),
    (models.BinaryField, b"a"),
    (ArrayField, list),
    (models.JSONField, dict),
    (models.IntegerField, 1),
    (models.FloatField, 1.0),
)
