"""Counts who gets a campaign, who is left out and why, and which merge fields lack values."""

import hashlib
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from campaigns import marketwords
from campaigns.marketwords import MarketFigure
from campaigns.models import Campaign
from campaigns.queries import audienceparts
from campaigns.queries.audience import audience_of
from campaigns.queries.audienceparts import AudienceItem
from contacts.audience import Audience
from contacts.models import Contact, Subscription
from contacts.queries import audience, lists, segments
from contacts.queries.mergefields import merge_fields
from designs.fields import of_workspace
from designs.fielduses import Use
from designs.trials import MailTrial, TrialFailure
from pages import reasons
from sending.queries import markets
from sending.queries.markets import AudienceMarkets

# Seconds for which a count is cached for a page that asks after each change. Counting a million
# people takes about a second.
KEEP = 15
# If counting takes longer, in seconds, the sizes of lists are cached.
LONG_COUNT = 0.3
# Seconds that counting may take on the review, and beside the composer, which asks after each
# change; and finding somebody to preview the mail for.
PATIENCE, IMPATIENCE, A_MOMENT = 25, 5, 1
# How many of the next people are looked at, to find a recipient among them.
LOOKED_AT = 100
# Why nobody was counted: the rule of a segment can't be used, or counting takes too long.
UNUSABLE, SLOW = "unusable", "slow"
# Expressions are tried with at most this many different values, which takes up to half a second.
MOST_TRIED = 5_000


@dataclass(frozen=True, slots=True)
class Exclusion:
    """People who are left out for one reason (a code of pages.reasons)."""

    reason: str
    count: int

    @property
    def text(self) -> str:
        return reasons.text(self.reason)


@dataclass(frozen=True, slots=True)
class AudienceFigures:
    """`unknown`: why nobody was counted (UNUSABLE, SLOW); "" if they were."""

    recipients: int
    exclusions: list[Exclusion]
    # {merge field: number of recipients without a value}
    missing: dict[str, int]
    # {(merge field, kind): (number of recipients whose value isn't of that kind, one such value)}
    unfit: dict[Use, tuple[int, str]]
    # Expressions of the mail that fail for recipients.
    failing: list[TrialFailure]
    included: list[AudienceItem]
    excluded: list[AudienceItem]
    unknown: str = ""
    places: AudienceMarkets = field(default_factory=AudienceMarkets)

    @property
    def left_out(self) -> int:
        return sum(one.count for one in self.exclusions)

    @property
    def markets(self) -> dict[int, int]:
        """{bits of markets (accounts.markets): recipients}"""
        return self.places.bits

    @property
    def in_markets(self) -> list[MarketFigure]:
        return marketwords.figures(self.markets)

    @property
    def in_several(self) -> bool:
        """Whether somebody is in several markets."""
        return marketwords.overlap(self.markets)

    @property
    def not_understood(self) -> str:
        """Values of the country that name none, in words."""
        return marketwords.strange(self.places.most, self.places.strange_kinds)


def of(
    campaign: Campaign,
    *,
    fields: Collection[str] = (),
    uses: Collection[Use] = (),
    trial: MailTrial | None = None,
    fresh: bool = True,
) -> AudienceFigures:
    """Makes one pass over the people, one over the recipients for merge fields (`fields`), one for
    the kinds of their values (`uses`), and one for a `trial` that has anything to try. Not
    `fresh`: counts may be KEEP seconds old."""
    people = audience_of(campaign)
    included, excluded = audienceparts.described(campaign.workspace, people)
    counted: dict[str, Any] = {
        "recipients": 0,
        "excluded": {},
        "markets": AudienceMarkets(),
    }
    missing: dict[str, int] = {}
    unfit: dict[Use, tuple[int, str]] = {}
    failing: list[TrialFailure] = []
    unknown = ""
    try:
        with segments.patient(PATIENCE if fresh else IMPATIENCE):
            if people.include:
                wanted, kinds = sorted(fields), sorted(uses)
                ask_people = partial(markets.count, campaign.workspace, people)
                asked = (people, campaign.workspace.default_market)
                counted = _kept(ask_people, asked, fresh=fresh)
                if wanted:
                    ask = partial(audience.missing_fields, people, wanted)
                    missing = _kept(ask, (people, wanted), fresh=fresh)
                if kinds:
                    ask_kinds = partial(audience.unfit_values, people, kinds)
                    unfit = _kept(ask_kinds, (people, "kinds", kinds), fresh=fresh)
                if trial and trial.parts:
                    tried = (people, "trial", sorted(trial.sources.items()))
                    try_out = partial(_failing, campaign, people, trial)
                    failing = _kept(try_out, tried, fresh=fresh)["failing"]
    except segments.UnusableError:
        unknown = UNUSABLE
    except segments.TooSlowError:
        unknown = SLOW
    return AudienceFigures(
        recipients=counted["recipients"],
        exclusions=[Exclusion(code, count) for code, count in counted["excluded"].items()],
        missing=missing,
        unfit=unfit,
        failing=failing,
        included=included,
        excluded=excluded,
        unknown=unknown,
        places=counted["markets"],
    )


def anybody(campaign: Campaign) -> bool:
    """Whether anybody would get the campaign; doesn't count."""
    return audience.anybody(audience_of(campaign))


def _failing(
    campaign: Campaign, asked: Audience, trial: MailTrial
) -> dict[str, list[TrialFailure]]:
    people = audience.kinds_of_people(asked, sorted(trial.fields), most=MOST_TRIED + 1)
    values = merge_fields(campaign.workspace_id, [pk for pk, _count in people[:MOST_TRIED]])
    mail = {"workspace": of_workspace(campaign.workspace)}
    tried = ((values[pk] | mail, count) for pk, count in people if pk in values)
    return {"failing": trial.failures(tried, partly=len(people) > MOST_TRIED)}


def _kept(
    ask: Callable[[], dict[Any, Any]], asked: tuple[Any, ...], *, fresh: bool
) -> dict[Any, Any]:
    key = "audience:" + hashlib.sha256(repr(asked).encode()).hexdigest()[:32]
    known: dict[Any, Any] | None = None if fresh else cache.get(key)
    if known is None:
        known = ask()
        if not fresh:
            cache.set(key, known, KEEP)
    return known


def sizes(workspace_id: int) -> dict[int, int]:
    """{list id: people subscribed}. Up to a minute old where counting takes long (a million
    subscriptions), otherwise current, so that a list that was just filled shows its people."""
    key = f"list-sizes:{workspace_id}"
    known: dict[int, int] | None = cache.get(key)
    if known is None:
        begun = time.monotonic()
        known = {pk: counts.subscribed for pk, counts in lists.counts(workspace_id).items()}
        if time.monotonic() - begun > LONG_COUNT:
            cache.set(key, known, 60)
    return known


def somebody(campaign: Campaign, *, after: int = 0) -> Contact | None:
    """A recipient to preview the mail for: the next one by id after `after`, then the first one
    again. To stay quick, it looks at the next people only, and gives up on slow rules: then the
    mail is shown for an invented person."""
    with suppress(segments.TooSlowError, segments.UnusableError), segments.patient(A_MOMENT):
        return _next_recipient(campaign, after) or (_next_recipient(campaign, 0) if after else None)
    return None


def _next_recipient(campaign: Campaign, after: int) -> Contact | None:
    people = audience_of(campaign)
    for some in (_on_lists(campaign), *_in_segments(campaign)):
        pks = list(some.filter(pk__gt=after).values_list("pk", flat=True)[:LOOKED_AT])
        pk = audience.first_recipient(people, pks[0], pks[-1]) if pks else None
        if pk is not None:
            return Contact.objects.get(pk=pk)
    return None


def _in_segments(campaign: Campaign) -> list[QuerySet[Contact]]:
    everybody = Contact.objects.filter(workspace_id=campaign.workspace_id).order_by("pk")
    return [
        segments.filtered(everybody, campaign.workspace, str(one.pk))
        for one in campaign.segments_in.all()
    ]


def _on_lists(campaign: Campaign) -> QuerySet[Contact]:
    return Contact.objects.filter(
        workspace_id=campaign.workspace_id,
        subscriptions__list__in=[one.pk for one in campaign.lists_in.all()],
        subscriptions__status=Subscription.Status.SUBSCRIBED,
    ).order_by("pk")
