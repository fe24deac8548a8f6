"""The people on a campaign's lists as rows of a CSV: people left out with the reason and, before
the start, also the recipients. The reader's language and time zone are kept for the stream, because
it is read after the request has ended."""

from collections.abc import Iterable, Iterator
from itertools import islice

from django.http import QueryDict
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from accounts.models import Workspace
from campaigns import marketwords
from campaigns.models import Campaign
from campaigns.queries import audience as query
from campaigns.queries import causes
from contacts import addresses
from contacts.queries import audience
from pages import reasons, statuses
from sending.models import LeftOut, Mailing
from sending.queries import markets as markets_of

# The causes of this many rows are looked up together, by two queries.
AT_ONCE = 5000
Row = list[str]


def header(*, markets: bool = False) -> Row:
    """`markets`: with their column, which only people before the start have."""
    return [
        _("E-mail address"),
        _("State"),
        _("Reason"),
        _("Because of"),
        pgettext("a state", "Since"),
        *([_("Market")] if markets else []),
    ]


def frozen(mailing: Mailing, parameters: QueryDict) -> Iterator[Row]:
    """People left out when the audience was frozen, filtered as on the page."""
    found = LeftOut.objects.filter(query.left_out(mailing, parameters)).order_by("address")
    return _rows(mailing.workspace, found.iterator(AT_ONCE))


def live(campaign: Campaign, parameters: QueryDict) -> Iterator[Row]:
    """People on the lists as they are now, filtered as on the page."""
    people = audience.stream(query.asked(campaign, parameters), AT_ONCE)
    return _rows(campaign.workspace, map(query.as_row, people), markets=True)


def _rows(
    workspace: Workspace, found: Iterable[LeftOut], *, markets: bool = False
) -> Iterator[Row]:
    language, zone = translation.get_language(), timezone.get_current_timezone()

    def stream() -> Iterator[Row]:
        rest = iter(found)
        while some := list(islice(rest, AT_ONCE)):
            with translation.override(language), timezone.override(zone):
                written = _written(workspace, some)
                if markets:
                    written = _with_markets(workspace, some, written)
            yield from written

    return stream()


def _with_markets(workspace: Workspace, rows: list[LeftOut], written: list[Row]) -> list[Row]:
    known = {row.contact_id: row.address for row in rows if row.contact_id is not None}
    found = markets_of.of_contacts(workspace, known)
    bits = [found.get(row.contact_id or 0, 0) for row in rows]
    return [[*cells, marketwords.names(one)] for cells, one in zip(written, bits, strict=True)]


def _written(workspace: Workspace, rows: list[LeftOut]) -> list[Row]:
    behind = causes.of_left_out(workspace, rows)
    return [
        [
            addresses.display(row.address),
            str(statuses.look("left_out" if row.reason else "recipient").label),
            reasons.text(row.reason) if row.reason else "",
            behind[row.address].text if row.address in behind else "",
            timezone.localtime(row.since).isoformat(timespec="seconds") if row.since else "",
        ]
        for row in rows
    ]
