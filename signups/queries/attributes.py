"""Attributes as fields of forms: which forms ask for one, and what follows a merge of two."""

from collections.abc import Iterable

from django.db import connection
from django.utils.translation import gettext as _

from contacts.attributeuses import Use, Wanted
from signups.formfields import ATTRIBUTE, read
from signups.models import SignupForm

# What people sent that waits for its confirmation. A value of the attribute that stays wins.
WAITING = """
UPDATE signups_signup
   SET values = (values - %(old)s::text) || CASE WHEN values ? %(new)s THEN '{}'::jsonb
                ELSE jsonb_build_object(%(new)s::text, values -> %(old)s) END
 WHERE workspace_id = %(workspace)s AND state = 'unconfirmed' AND values ? %(old)s
"""


def forms_with(wanted: Wanted) -> Iterable[tuple[str, Use]]:
    """Forms that ask for one of these attributes."""
    text = _("Form “{name}”")
    forms = SignupForm.objects.filter(workspace=wanted.workspace_id).order_by("name")
    for pk, name, fields in forms.values_list("pk", "name", "fields"):
        keys = {field.attribute for field in read(fields)} & set(wanted.keys)
        for key in keys:
            yield key, (text.format(name=name), "signup_form", pk)


def move_fields(workspace_id: int, key: str, into: str) -> None:
    """The field keeps its place, label and help. A form that asks for both keeps the other."""
    old, new = f"{ATTRIBUTE}{key}", f"{ATTRIBUTE}{into}"
    changed = []
    own = SignupForm.objects.select_for_update(no_key=True, of=("self",))
    for form in own.filter(workspace=workspace_id, fields__contains=[{"key": old}]):
        fields = [one.as_json() for one in read(form.fields)]
        has_both = any(one["key"] == new for one in fields)
        form.fields = [
            one | {"key": new if one["key"] == old else one["key"]}
            for one in fields
            if not (has_both and one["key"] == old)
        ]
        changed.append(form)
    SignupForm.objects.bulk_update(changed, ["fields"])
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"workspace": workspace_id, "old": old, "new": new})
