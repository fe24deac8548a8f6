"""Two people edit the same thing: the second one is told before they overwrite what the first one
saved.

A form carries a digest of the stored values that it was opened with (`{% seen form %}`).
"""

import hashlib

from django import forms
from django.utils.translation import gettext as _

FIELD = "seen"


def seen(form: forms.BaseForm) -> str:
    """A digest of the stored values of the form's fields."""
    stored = [
        (name, _text(form.get_initial_for_field(field, name))) for name, field in fields(form)
    ]
    return hashlib.sha256(repr(stored).encode()).hexdigest()[:20]


def fields(form: forms.BaseForm) -> list[tuple[str, forms.Field]]:
    """Those with a stored value that is shown; a password is not."""
    return [
        (name, field)
        for name, field in form.fields.items()
        if not isinstance(field.widget, forms.PasswordInput)
    ]


def _text(value: object) -> str:
    # None and "" look alike in a form.
    return "" if value is None else str(value)


def is_overtaken(form: forms.BaseForm) -> bool:
    """Whether the stored values were changed since the form was opened. Adds an error to it then,
    which names what differs. Saving again overwrites it."""
    given = form.data.get(FIELD, "")
    if not given or given == seen(form):
        return False
    differing = [
        str(form[name].label) for name, _field in fields(form) if name in form.changed_data
    ]
    form.add_error(
        None,
        _(
            "Somebody else saved changes after you opened this page. Yours differ in: {fields}. "
            "Save again to overwrite theirs, or open the page anew to see them."
        ).format(fields=", ".join(differing) or "–"),
    )
    return True
