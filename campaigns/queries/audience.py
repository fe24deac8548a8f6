"""The people of a campaign's audience, with a reason for those who are left out.

Before the start they are computed as they are now; afterwards they are read from the rows that the
start wrote. Both come as rows of sending.models.LeftOut.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, QueryDict

from campaigns.models import Campaign
from campaigns.queries.recipients import address_matches
from contacts import addresses
from contacts.audience import LIST, SEGMENT, Audience, parts
from contacts.queries import audience
from pages import tables
from sending.models import LeftOut, Mailing
from sending.queries import markets
from sending.queries.parts import MAILED_WITHIN, MAILING

# Parameters of the page's URL.
FILTERS = ("q", "reason", "market")
SORT = "address"


def typed(text: str) -> str:
    """The begin of the stored addresses that match this text."""
    text = text.strip()
    if "." not in text.partition("@")[2]:
        return text.lower()
    try:
        return addresses.normalise(text)
    except addresses.AddressError:
        return text.lower()


def left_out(mailing: Mailing, parameters: QueryDict) -> Q:
    """A condition on LeftOut: rows with this `reason` (if given) whose address begins with `q`."""
    found = Q(mailing=mailing)
    if reason := parameters.get("reason", ""):
        found &= Q(reason=reason)
    if text := parameters.get("q", "").strip():
        found &= address_matches(text)
    return found


def unrecorded(mailing: Mailing) -> int:
    """The number of people left out of a mailing that was opened before LeftOut existed. Who they
    were can't be found out later, because subscriptions have changed since."""
    if mailing.details_dropped_at is not None:
        return 0
    number = sum(mailing.excluded.values())
    return 0 if not number or LeftOut.objects.filter(mailing=mailing).exists() else number


def frozen(request: HttpRequest, mailing: Mailing) -> tables.Page[LeftOut]:
    """People left out when the audience was frozen, by address."""
    reason = request.GET.get("reason", "")
    counts = {} if unrecorded(mailing) else mailing.excluded
    total = counts.get(reason, 0) if reason else sum(counts.values())
    return tables.keyset(
        LeftOut.objects.filter(left_out(mailing, request.GET)),
        request,
        sorts={SORT: tables.Sort("address", nullable=False)},
        default=SORT,
        total=None if request.GET.get("q") else total,
    )


def audience_of(campaign: Campaign) -> Audience:
    """The audience of the campaign as it is now."""
    mailings = [one.mailing_id for one in campaign.campaigns_out.all() if one.mailing_id]
    return Audience(
        campaign.workspace_id,
        parts(
            {
                LIST: [one.pk for one in campaign.lists_in.all()],
                SEGMENT: [one.pk for one in campaign.segments_in.all()],
            }
        ),
        parts(
            {
                LIST: [one.pk for one in campaign.lists_out.all()],
                SEGMENT: [one.pk for one in campaign.segments_out.all()],
                MAILING: mailings,
                MAILED_WITHIN: [campaign.quiet_hours] if campaign.quiet_hours else [],
            }
        ),
    )


def question(campaign: Campaign) -> audience.Question:
    """The question for everybody in the audience of a campaign that has not started."""
    return audience.Question(audience_of(campaign))


def asked(campaign: Campaign, parameters: QueryDict) -> audience.Question:
    """The question for the people on the audience's page: recipients, or, with the parameter
    `reason`, people left out for it; with `market`, only those in it."""
    reason = parameters.get("reason", audience.RECIPIENTS)
    found = replace(question(campaign), reason=reason, begins=typed(parameters.get("q", "")))
    if not (market := parameters.get("market", "")):
        return found
    columns, condition, given = markets.condition(campaign.workspace, market)
    return replace(found, columns=columns, condition=condition, given=given)


@dataclass(frozen=True)
class _LiveReader:
    """Reads the audience as it is now (pages.tables.RowReader)."""

    question: audience.Question

    def key(self, row: LeftOut) -> tables.Key:
        return row.address, row.pk

    def stretch(
        self, start: tables.Key | None, count: int, *, backward: bool = False
    ) -> list[LeftOut]:
        after = start[0] if start else None
        found = audience.people(self.question, after=after, limit=count, backward=backward)
        rows = [as_row(person) for person in found]
        return rows[::-1] if backward else rows


def as_row(person: audience.AudiencePerson) -> LeftOut:
    return LeftOut(
        pk=person.contact_id,
        contact_id=person.contact_id,
        address=person.address,
        reason=person.reason or "",
        since=person.since,
        cause_id=person.cause_id,
    )


def live(
    request: HttpRequest, campaign: Campaign, counted: Mapping[str, Any]
) -> tables.Page[LeftOut]:
    """People of the audience as it is now: the recipients, or, with the parameter `reason`, people
    left out. `counted`: the result of contacts.queries.audience.count for the same audience."""
    wanted = asked(campaign, request.GET)
    numbers = {audience.RECIPIENTS: counted["recipients"]} | counted["excluded"]
    numbers[audience.LEFT_OUT] = sum(counted["excluded"].values())
    known = numbers.get(wanted.reason or audience.RECIPIENTS, 0)
    narrowed = wanted.begins or wanted.condition
    total = audience.count_people(wanted) if narrowed else known
    page = tables.Page([], LeftOut.objects.none(), SORT, request.GET, known_total=total)
    return tables.fill(page, _LiveReader(wanted), request)
