"""The fields of a public form for attributes: a control for each type, in the reader's language.
What was sent is read by signups.fieldvalues."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from contacts.models import Attribute
from pages import publicwords
from pages.singleline import SingleLine
from signups import fieldvalues

LONGEST_TEXT, LONGEST_NUMBER = 1_000, 30
ISO = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Names of the two controls of a day: a dot is in no key of an attribute.
MONTH, DAY = ".month", ".day"
YES, NO = "true", "false"
Type = Attribute.Type


def words(reader: str, key: str, **given: object) -> str:
    """Plain text, not yet HTML."""
    return publicwords.texts(reader)[f"signup.{key}"].format(**given)


class DateLine(forms.TextInput):
    """A date control, which shows nothing but dates: a text that is none is shown as a text."""

    input_type = "date"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context(name, value, attrs)
        if value and not ISO.fullmatch(str(value)):
            found["widget"]["type"] = "text"
        return found


class MonthAndDay(forms.MultiWidget):
    """Two choices. Its value is [month, day], as texts."""

    def __init__(self, reader: str) -> None:
        month, day = words(reader, "month"), words(reader, "day")
        months = list(enumerate(publicwords.months(reader), 1))
        super().__init__(
            [
                forms.Select({"aria-label": month}, [("", month), *months]),
                forms.Select({"aria-label": day}, [("", day), *((n, n) for n in range(1, 32))]),
            ]
        )
        self.widgets_names = [MONTH, DAY]

    def decompress(self, value: Any) -> list[Any]:
        return value if isinstance(value, list) else ["", ""]


class _Read:
    """Mixed into a field: its value is read as one of the attribute."""

    attribute: Attribute
    wrong: str

    def value_of(self, sent: object) -> Any:
        if sent in ("", []):
            return ""
        try:
            return fieldvalues.read(self.attribute.type, self.attribute.choices, sent)
        except ValueError as error:
            raise ValidationError(self.wrong) from error


class TextValue(_Read, SingleLine):
    def clean(self, value: Any) -> Any:
        return self.value_of(super().clean(value))


class ChosenValue(_Read, forms.CharField):
    """One of `choices`, of a <select>. What is sent is read, so that case does not matter."""

    def __init__(self, choices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(widget=forms.Select(choices=choices), **options)

    def clean(self, value: Any) -> Any:
        return self.value_of(super().clean(value))


class TickedValues(_Read, forms.Field):
    def __init__(self, choices: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(widget=forms.CheckboxSelectMultiple(choices=choices), **options)

    def clean(self, value: Any) -> Any:
        return self.value_of(super().clean(value or []))


class DayValue(_Read, forms.Field):
    def __init__(self, reader: str, **options: Any) -> None:
        super().__init__(widget=MonthAndDay(reader), **options)

    def clean(self, value: Any) -> Any:
        month, day = (str(one or "").strip() for one in value or ("", ""))
        whole = f"{month:0>2}-{day:0>2}" if month or day else ""
        return self.value_of(super().clean(whole))


def of_attribute(attribute: Attribute, reader: str, **options: Any) -> forms.Field:
    """`options`: label, help_text and required."""
    make = {
        Type.NUMBER: _number,
        Type.DATE: _date,
        Type.DAY: _day,
        Type.BOOLEAN: _yes_or_no,
        Type.CHOICE: _choice,
        Type.CHOICES: _choices,
    }.get(Type(attribute.type), _text)
    field: Any = make(attribute, reader, options | {"error_messages": errors(reader)})
    field.attribute = attribute
    wrong = "bad_choice" if attribute.type == Type.BOOLEAN else f"bad_{attribute.type}"
    field.wrong = words(reader, "required" if attribute.type == Type.TEXT else wrong)
    made: forms.Field = field
    return made


def errors(reader: str, longest: int = 0) -> dict[str, str]:
    required = words(reader, "required")
    too_long = words(reader, "too_long", count=longest)
    return {"required": required, "invalid": required, "max_length": too_long}


Options = Mapping[str, Any]


def _line(reader: str, longest: int, options: Options, widget: forms.TextInput) -> TextValue:
    widget.attrs["maxlength"] = longest
    more = {"error_messages": errors(reader, longest)}
    return TextValue(max_length=longest, widget=widget, **{**options, **more})


def _text(_attribute: Attribute, reader: str, options: Options) -> Any:
    return _line(reader, LONGEST_TEXT, options, forms.TextInput({"dir": "auto"}))


def _number(_attribute: Attribute, reader: str, options: Options) -> Any:
    widget = forms.TextInput({"inputmode": "decimal", "dir": "ltr"})
    return _line(reader, LONGEST_NUMBER, options, widget)


def _date(_attribute: Attribute, reader: str, options: Options) -> Any:
    return _line(reader, LONGEST_NUMBER, options, DateLine())


def _day(_attribute: Attribute, reader: str, options: Options) -> Any:
    return DayValue(reader, **options)


def _yes_or_no(_attribute: Attribute, reader: str, options: Options) -> Any:
    known = [(YES, words(reader, "yes")), (NO, words(reader, "no"))]
    return ChosenValue([("", words(reader, "choose")), *known], **options)


def _choice(attribute: Attribute, reader: str, options: Options) -> Any:
    return ChosenValue([("", words(reader, "choose")), *_known(attribute)], **options)


def _choices(attribute: Attribute, _reader: str, options: Options) -> Any:
    return TickedValues(_known(attribute), **options)


def _known(attribute: Attribute) -> list[tuple[str, str]]:
    return [(one, one) for one in attribute.choices]
