"""Fields of forms and tables whose values have one line (pages.oneline)."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models

from pages.oneline import one_line

if TYPE_CHECKING:
    TextField = models.CharField[Any, str]
else:
    TextField = models.CharField


class SingleLineField(TextField):
    """A column whose values always have one line, whether written by a form, service, command, bulk
    insert or update. Migrations see a CharField, because the database column is the same."""

    def deconstruct(self) -> Any:
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Also sets the cleaned value on the object, so that it equals the row."""
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return one_line(value) if isinstance(value, str) else value

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": SingleLine, **options})


class SingleLine(forms.CharField):
    """A typed or pasted text of one line. Several pasted lines are joined, not refused: the person
    sees the same words."""

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        # Django's own validator refuses a NUL with a sentence, so we leave it in.
        return text if "\x00" in text else one_line(text)
