"""`{% load peoplerows %}`: the rows of the table of contacts.

They are written by Python: a template with an included one for each of some hundred cells took two
thirds of the page's time (docs/developers/performance.md).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts import attributevalues, names
from contacts.models import Contact, Subscription
from contacts.peoplecolumns import Column
from contacts.templatetags import contacts as words
from pages import locales
from pages.templatetags.pages import status, when

register = template.Library()

# Tags of a contact that are shown; of the others the number.
TAGS = 6
NONE = '<span class="muted">–</span>'

# A cell with a label for narrow screens, whether it is blank, and its HTML.
CELL = '<td data-label="{}"{}>{}</td>\n'


@register.simple_tag(takes_context=True)
def people_rows(
    context: template.Context, rows: Iterable[Any], *, ticks: bool = False
) -> SafeString:
    """<tr> for each of `rows` (contacts.views.peopletable). `ticks`: with checkboxes. Of the
    context: workspace, suppressed, names_alone, kept."""
    slug = context["workspace"].slug
    # The address of a contact's page is the same but for its number.
    before, _zero, after = reverse("contact", args=[slug, 0]).rpartition("0")
    cell = _cells(reverse("contacts", args=[slug]))
    address, select = escape(_("Address")), _("Select %(address)s")
    ticked = context["kept"].get("ticked", ()) if ticks else ()
    suppressed, names_alone = context["suppressed"], context["names_alone"]
    made: list[str] = []
    for person, cells in rows:
        shown = words.address(person.email)
        made.append("<tr>\n")
        if ticks:
            made.append(_tick(person.pk, select % {"address": shown}, ticked))
        made.append(
            f'<td class="main" data-label="{address}">\n'
            f'<a href="{before}{person.pk}{after}">{escape(shown)}</a>\n'
        )
        if person.email in suppressed:
            made.append(f"{status('suppressed', css='small')}\n")
        if not names_alone and (name := _name(person)):
            made.append(f'<div class="muted small">{escape(name)}</div>\n')
        made.append("</td>\n")
        made += [cell(person, one.column, one.value) for one in cells]
        made.append("</tr>\n")
    return SafeString("".join(made))


def _tick(pk: int, label: str, ticked: Sequence[str]) -> str:
    """As parts/select_row.html."""
    checked = " checked" if str(pk) in ticked else ""
    return (
        f'<td class="tick"><input type="checkbox" class="form-check-input" name="pk" value="{pk}"'
        f'{checked} aria-label="{escape(label)}"></td>\n'
    )


def _name(person: Contact) -> str:
    return names.full(person.first_name, person.last_name, person.full_name)


def _cells(tags_url: str) -> Callable[[Contact, Column, Any], str]:
    """A function that gives the cell of a contact: by its column, and the value that is not the
    contact's."""
    left = {code: str(label) for code, label in Subscription.Status.choices}

    def lists(person: Contact, _column: Column, _value: Any) -> tuple[str, bool]:
        return _lists(person, left), False

    def tags(person: Contact, _column: Column, _value: Any) -> tuple[str, bool]:
        return _tags(person, tags_url)

    of_kind = KINDS | {"lists": lists, "tags": tags}

    def cell(person: Contact, column: Column, value: Any) -> str:
        html, blank = of_kind[column.kind](person, column, value)
        return CELL.format(escape(column.label), ' class="blank"' if blank else "", html)

    return cell


def _lists(person: Contact, words_of: dict[str, str]) -> str:
    """The names of its lists, those that were left struck out."""
    made = ""
    for one in person.subscriptions.all():
        name = escape(one.list.name)
        if one.status == Subscription.Status.SUBSCRIBED:
            made += f'<span class="badge">{name}</span>\n'
        else:
            said = escape(words_of.get(one.status, one.status))
            made += (
                f'<span class="badge left"><s>{name}</s>'
                f'<span class="visually-hidden"> ({said})</span></span>\n'
            )
    return f'<span class="on-lists">\n{made or NONE}\n</span>'


def _tags(person: Contact, url: str) -> tuple[str, bool]:
    tagged = list(person.tagged.all())
    made = "".join(
        f'<a class="badge tag" href="{url}?tag={one.tag_id}">{escape(one.tag.name)}</a>\n'
        for one in tagged[:TAGS]
    )
    if len(tagged) > TAGS:
        made += f'<span class="muted small">+{locales.number(len(tagged) - TAGS)}</span>\n'
    return f'\n<span class="on-lists">\n{made or NONE}\n</span>\n', not tagged


def _text(text: str) -> tuple[str, bool]:
    return escape(text), not text


def _attribute(person: Contact, column: Column, _value: Any) -> tuple[str, bool]:
    if column.attribute is None:
        return "", True
    value = person.attributes.get(column.attribute.key)
    shown = attributevalues.shown(column.attribute.type, value)
    return f"\n{escape(shown)}\n", value in (None, "")


# {kind of a column: (its HTML, whether it is blank)}
KINDS: dict[str, Callable[[Contact, Column, Any], tuple[str, bool]]] = {
    "attribute": _attribute,
    "status": lambda _person, _column, value: (status(value), False),
    "added": lambda person, _column, _value: (when(person.created_at), False),
    "updated": lambda person, _column, _value: (when(person.updated_at), False),
    "moment": lambda _person, _column, value: (when(value), not value),
    "name": lambda person, _column, _value: _text(_name(person)),
    "first_name": lambda person, _column, _value: _text(person.first_name),
    "last_name": lambda person, _column, _value: _text(person.last_name),
    "domain": lambda person, _column, _value: (escape(words.domain_of(person.email)), False),
}
