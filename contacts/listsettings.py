"""What apps to the right keep about a list, as fields of the list's form. Each registers in its
module `hooks`:

    listsettings.kinds.add(ListSettings("signups", fields, check, save, template, page, show))

Names of fields begin with the kind's key, so that two kinds can't have the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django import forms

from accounts.models import Workspace
from contacts.models import List
from pages.registry import Registry


@dataclass(frozen=True, slots=True)
class ListSettings:
    key: str
    # The fields with their present values, for a list or (None) a new one.
    fields: Callable[[Workspace, List | None], Mapping[str, forms.Field]]
    # {field: error} of cleaned values that don't fit together.
    check: Callable[[Mapping[str, Any]], Mapping[str, str]]
    # Within the transaction that saves the list. The values of its fields.
    save: Callable[[List, Mapping[str, Any]], object]
    # The part of the page of the form; it has `form`.
    template: str
    # The part of the page of the list, which has `list` and, as `shown`, what `show` returns.
    page: str
    show: Callable[[List], Mapping[str, Any]]


kinds: Registry[ListSettings] = Registry(key=attrgetter("key"))
