"""Text of one line: names, subjects, labels. One rule for forms, tables, imports and headers.

Line breaks and controls become one space, so words that stood on two lines stay two words. Marks
that turn the direction of the text around them are dropped: they disguise names, and reach beyond
the text itself. Everything else stays as it was typed: joiners (families, Persian), tag characters
(the flag of England), variation selectors, ideographic and no-break spaces.
"""

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.db import models

if TYPE_CHECKING:
    TextField = models.CharField[Any, str]
else:
    TextField = models.CharField

# ASCII spaces, controls (VT, FF and NEL among them), line and paragraph separators.
BLANK = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")
# Bidi embeddings, overrides and isolates; the byte-order mark; lone surrogates, which no encoding
# can write.
DROPPED = re.compile("[\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def one_line(text: str) -> str:
    """The text on one line, without spaces at its ends. Never raises; safe in a header."""
    if text.isprintable():
        # Most texts: of printable characters only the blank is a space, and none is dropped.
        if "  " in text or text[:1] == " " or text[-1:] == " ":
            return " ".join(text.split())
        return text
    return BLANK.sub(" ", DROPPED.sub("", text)).strip()


class SingleLineField(TextField):
    """A column whose values have one line, whoever writes them: forms, services, commands, bulk
    inserts, updates. Migrations know it as a CharField: the table doesn't differ."""

    def deconstruct(self) -> Any:
        name, _path, arguments, options = super().deconstruct()
        return name, "django.db.models.CharField", arguments, options

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """The object holds what the table holds."""
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return one_line(value) if isinstance(value, str) else value

    def formfield(self, **options: Any) -> Any:
        return super().formfield(**{"form_class": SingleLine, **options})


class SingleLine(forms.CharField):
    """A typed or pasted text of one line. What is pasted from several lines is folded, not refused:
    the person sees the same words."""

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        # A NUL is left for Django's own validator, which refuses it with a sentence.
        return text if "\x00" in text else one_line(text)
