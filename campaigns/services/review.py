"""The review before sending: who gets the campaign, who is left out and why, problems, route, and
the estimated end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.markets import Market
from accounts.opencounting import OpenCounting
from campaigns import marketwords, wording
from campaigns.models import Campaign
from campaigns.queries import estimates, routes
from campaigns.queries.routes import Route
from campaigns.services import audiences
from campaigns.services.audiences import AudienceFigures
from contacts.queries import segments
from contacts.segmentmodels import Segment
from designs import checks, fields
from designs.trials import MailTrial

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)
ARCHIVED_LIST, UNUSABLE_SEGMENT = "archived_list", "unusable_segment"
# {part of the mail: its section of the composer}
SECTION_OF_PART = {"subject": "subject", "preheader": "subject"}


@dataclass(frozen=True, slots=True)
class ReviewProblem:
    """A problem. Errors prevent sending; warnings and notes are for the person to look at."""

    code: str
    severity: str
    # A section of the composer: to, from, subject, content, route, when.
    section: str
    text: str
    # In a design: the part and the line; 0: the whole part.
    part: str = ""
    line: int = 0
    # The id of the relay concerned; 0: none.
    relay: int = 0


@dataclass(frozen=True, slots=True)
class Review:
    audience: AudienceFigures
    problems: list[ReviewProblem]
    route: Route | None
    # When it may begin (now, if no time is chosen), and its estimated end; None: unknown.
    begin: datetime
    finish: datetime | None

    @property
    def seconds(self) -> float | None:
        """The duration, including times in which it must not send."""
        return (self.finish - self.begin).total_seconds() if self.finish else None

    @property
    def errors(self) -> list[ReviewProblem]:
        return [one for one in self.problems if one.severity == ERROR]

    @property
    def warnings(self) -> list[ReviewProblem]:
        return [one for one in self.problems if one.severity != ERROR]

    @property
    def archived_lists(self) -> list[ReviewProblem]:
        """Errors about archived lists: a list can be archived after scheduling."""
        return [one for one in self.problems if one.code == ARCHIVED_LIST]


def review(campaign: Campaign, *, fresh: bool = True) -> Review:
    """The whole review. Not `fresh`: counts may be some seconds old."""
    source, known = source_of(campaign), fields.known(campaign.workspace)
    audience = audiences.of(
        campaign,
        fields=checks.used_fields(source) & known,
        uses=[use for use in checks.used_values(source) if use[0] in known],
        trial=MailTrial(source.parts(), known),
        fresh=fresh,
    )
    route = routes.of(campaign)
    found = problems(campaign, audience)
    begin = campaign.scheduled_at or timezone.now()
    finish = _finish(campaign, route, audience.recipients, begin) if route else None
    if audience.included and not audience.recipients and not audience.unknown:
        text = _(
            "Nobody in this audience would get it. Choose other lists or segments, leave out fewer"
            " people, or import contacts."
        )
        found.append(ReviewProblem("nobody", ERROR, "to", text))
    if route and route.active and audience.recipients and finish is None:
        text = _("At this rate it would take more than a year.")
        found.append(ReviewProblem("too_slow", WARNING, "when", text))
    return Review(
        audience=audience,
        problems=ordered(found),
        route=route,
        begin=begin,
        finish=finish,
    )


def _finish(campaign: Campaign, route: Route, recipients: int, begin: datetime) -> datetime | None:
    return estimates.finish(
        route.tiers,
        recipients,
        begin=begin,
        used=estimates.used(route.relays),
        own=estimates.Own(campaign.window, campaign.per_minute),
    )


def ordered(found: Sequence[ReviewProblem]) -> list[ReviewProblem]:
    return sorted(found, key=lambda one: SEVERITIES.index(one.severity))


def source_of(campaign: Campaign) -> checks.MailSource:
    """The mail for designs.checks: the campaign's subject with the design's body."""
    design = campaign.design
    return checks.MailSource(
        subject=campaign.subject,
        preheader=campaign.preheader,
        html=design.html if design else "",
        text=design.text if design else "",
    )


def problems(campaign: Campaign, audience: AudienceFigures | None = None) -> list[ReviewProblem]:
    """Problems that can be found without counting people, and with `audience` the others, too."""
    return [
        *_of_audience(campaign),
        *_of_sender(campaign),
        *_of_mail(campaign, audience),
        *_of_markets(campaign, audience),
        *_of_route(campaign),
        *_of_time(campaign),
    ]


def _of_audience(campaign: Campaign) -> Iterator[ReviewProblem]:
    chosen, included = list(campaign.lists_in.all()), list(campaign.segments_in.all())
    if not chosen and not included:
        yield ReviewProblem("no_list", ERROR, "to", _("Choose at least one list or segment."))
    for segment in (*included, *campaign.segments_out.all()):
        try:
            segments.usable(segment)
        except segments.UnusableError as error:
            said = _why_unusable(segment, error.incomplete)
            yield ReviewProblem(UNUSABLE_SEGMENT, ERROR, "to", said)
    for one in chosen:
        if one.archived_at:
            text = _("The list {list} is archived.").format(list=one.name)
            yield ReviewProblem(ARCHIVED_LIST, WARNING, "to", text)


def _why_unusable(segment: Segment, incomplete: str) -> str:
    if incomplete:
        text = _(
            "The segment {segment} is {incomplete}. Finish it on its page, or take it out here."
        )
        return text.format(segment=segment.name, incomplete=incomplete)
    text = _(
        "The segment {segment} can't be used any more: its rule names something that no"
        " longer exists. Mend it, or take it out here."
    )
    return text.format(segment=segment.name)


def _of_sender(campaign: Campaign) -> Iterator[ReviewProblem]:
    if not campaign.from_email:
        yield ReviewProblem("no_sender", ERROR, "from", _("Enter the sender's address."))
    if not campaign.from_name:
        text = _("There is no sender name; inboxes show the address instead.")
        yield ReviewProblem("no_name", WARNING, "from", text)
    if not campaign.workspace.postal_address:
        text = _("The workspace has no postal address; in many countries mails must carry one.")
        yield ReviewProblem("no_postal_address", WARNING, "content", text)


def _of_mail(campaign: Campaign, audience: AudienceFigures | None) -> Iterator[ReviewProblem]:
    if campaign.design is None:
        yield ReviewProblem("no_design", ERROR, "content", _("Choose a design."))
    elif campaign.design.archived_at:
        text = _("The design {design} is archived. Bring it back or choose another.")
        yield ReviewProblem("archived", ERROR, "content", text.format(design=campaign.design.name))
    known = fields.known(campaign.workspace)
    found = checks.check(
        source_of(campaign),
        fields=known,
        missing=audience.missing if audience else None,
        unfit=audience.unfit if audience else None,
        failing=audience.failing if audience else (),
    )
    for one in found:
        section = SECTION_OF_PART.get(one.part, "content")
        if section == "subject" or campaign.design is not None:
            yield ReviewProblem(one.code, one.severity, section, one.text, one.part, one.line)


def _of_markets(campaign: Campaign, audience: AudienceFigures | None) -> Iterator[ReviewProblem]:
    """What the markets of the recipients ask and the mail does not have. Warnings: an address may
    be written in the design in a form that we don't know."""
    if audience is None or campaign.design is None:
        return
    source, counted = source_of(campaign), audience.markets
    postal = marketwords.needing(counted, "postal_address")
    address = campaign.workspace.postal_address
    # Without an address of the workspace, _of_sender warns.
    if postal and address and not checks.names_postal_address(source, address):
        text = _(
            "{markets}: the mail must give your postal address, and this design has none. Put"
            " {{{{ workspace.address }}}} into its footer."
        )
        yield _of_design("no_address_in_mail", text.format(markets=_names(postal)))
    contact = marketwords.needing(counted, "contact_days")
    if contact and not checks.names_email_address(source, address):
        text = _(
            "{markets}: the mail must give an e-mail address for replies, and this design has none."
            " Put one that somebody reads into its footer."
        )
        yield _of_design("no_contact_in_mail", text.format(markets=_names(contact)))
    opens = marketwords.needing(counted, "opens_with_consent")
    if opens and campaign.open_counting == OpenCounting.EVERYBODY:
        text = _(
            "{markets}: counting opens per person requires consent. Choose “Only with consent”, or"
            " totals."
        )
        said = text.format(markets=_names(opens))
        yield ReviewProblem("opens_without_consent", WARNING, "route", said)


def _of_design(code: str, text: str) -> ReviewProblem:
    return ReviewProblem(code, WARNING, "content", text, part="html")


def _names(some: Sequence[Market]) -> str:
    return wording.listed(one.name for one in some)


def _of_route(campaign: Campaign) -> Iterator[ReviewProblem]:
    route = routes.of(campaign)
    if route is None:
        text = _("Choose a relay or a pool.")
        yield ReviewProblem("no_route", ERROR, "route", text)
        return
    if not route.relays:
        text = _("{route} has no relay that could send.").format(route=route.name)
        yield ReviewProblem("no_relay", ERROR, "route", text)
        return
    if not any(routes.is_active(relay) for relay in route.relays):
        text = _("{route} does not send now; the campaign waits until it does.")
        yield ReviewProblem("no_active_relay", WARNING, "route", text.format(route=route.name))
    for relay in route.untested:
        text = _("{relay} has not passed a test yet.").format(relay=relay.name)
        yield ReviewProblem("untested", WARNING, "route", text, relay=relay.pk)
    for relay in route.relays:
        if routes.refuses_sender(relay, campaign.from_email):
            text = _("{relay} sends only for the address it logs in with, {user}.")
            said = text.format(relay=relay.name, user=relay.username)
            yield ReviewProblem("other_sender", ERROR, "from", said)
        elif routes.may_refuse_sender(relay, campaign.from_email):
            text = _("{relay} logs in as {user}; it may refuse a sender of another domain.")
            said = text.format(relay=relay.name, user=relay.username)
            yield ReviewProblem("other_domain", WARNING, "from", said)
    if not route.delivers:
        text = _("{route} delivers to nobody: nothing leaves this machine.")
        yield ReviewProblem("delivers_nothing", INFO, "route", text.format(route=route.name))


def _of_time(campaign: Campaign) -> Iterator[ReviewProblem]:
    draft = campaign.state == Campaign.State.DRAFT
    if draft and campaign.scheduled_at and campaign.scheduled_at <= timezone.now():
        text = _("That time has passed. Choose another one, or send now.")
        yield ReviewProblem("past", ERROR, "when", text)
