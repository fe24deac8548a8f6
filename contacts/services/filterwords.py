"""Says what is wrong with the filters of the page of contacts, so that nobody matches them."""

from collections.abc import Iterator

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts.models import Import, List, Tag
from contacts.queries import people, rulefilters, segmentdays
from contacts.segmentmodels import Segment
from pages import numbers

# {parameter: (its table, the sentence if its row was deleted)}
ROWS: dict[str, tuple[type[Model], Promise]] = {
    "list": (List, gettext_lazy("The list that this filter is about does not exist any more.")),
    "tag": (Tag, gettext_lazy("The tag that this filter is about was deleted.")),
    "segment": (Segment, gettext_lazy("The segment that this filter is about was deleted.")),
    "import": (Import, gettext_lazy("The import that this filter is about was deleted.")),
}


def problems(workspace: Workspace, parameters: QueryDict) -> list[str]:
    """A sentence for each filter that can't be used; a query for each that names a row."""
    found = list(_lost(workspace, parameters))
    if people.unreadable(parameters):
        found.append(_("A filter in the address of this page can't be read. Choose it again."))
    if (change := parameters.get("change")) and not segmentdays.day_of(workspace, change):
        found.append(
            _(
                "Who joined or left the segment is only kept until the next count. Open the page of"
                " the segment to see the latest."
            )
        )
    if wrong := rulefilters.problem(workspace, parameters):
        found.append(wrong)
    return found


def _lost(workspace: Workspace, parameters: QueryDict) -> Iterator[str]:
    for name, (table, sentence) in ROWS.items():
        number = numbers.whole(parameters.get(name, ""))
        if number is None:
            continue
        rows: QuerySet[Model] = table._default_manager.filter(workspace=workspace, pk=number)  # noqa: SLF001 - documented
        if not rows.exists():
            yield str(sentence)
