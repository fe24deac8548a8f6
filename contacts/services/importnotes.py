"""Sentences of the page and the command about a file that is an export, of ours or of another
program, before it is imported."""

from django.utils.translation import gettext as _

from contacts.models import Import
from contacts.services import importwords
from contacts.services.importlayout import Layout

# How many lists are named.
SHOWN = 20


def notes(import_: Import, layout: Layout) -> list[str]:
    """Sentences about the program that wrote the file, which people are added to the list, and by
    which column."""
    if layout.program:
        text = _("This looks like an export of {program}.")
        return [text.format(program=layout.program.label), *_of_lists(import_, layout)]
    return _of_lists(import_, layout)


def _of_lists(import_: Import, layout: Layout) -> list[str]:
    about = layout.on_lists.about
    if about is not None:
        text = _(
            "The column “{column}” says who is on the list, who has left it, and what they agreed "
            "to. How people stand on other lists doesn't count."
        )
        return [text.format(column=importwords.column_names(import_).get(about, ""))]
    if not layout.own:
        return []
    if import_.list or import_.new_list:
        return _no_column(import_, layout)
    return [
        _(
            "This is an export from Yanshu, and nobody is added to a list. Whoever has left a list "
            "is suppressed, unless that is known here: there is no list to record it on. To keep "
            "who is on which list, import the file into each of them."
        )
    ]


def _no_column(import_: Import, layout: Layout) -> list[str]:
    text = _(
        "This is an export from Yanshu, and no column is about the list “{list}”. Only people who "
        "are on a list and have left none are added to it."
    )
    found = [text.format(list=import_.list.name if import_.list else import_.new_list)]
    if names := [name for name in layout.lists.values() if name]:
        text = _(
            "Its columns are about: {lists}. If one of them is this list, import into a list of "
            "that name."
        )
        found.append(text.format(lists=", ".join(names[:SHOWN]) + (" …" if names[SHOWN:] else "")))
    return found
