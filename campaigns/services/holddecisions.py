"""Decisions of a person about a run of refusals: try again, keep as failed, wait, drop the rest."""

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from campaigns.exceptions import CampaignError
from campaigns.models import Campaign
from contacts.models import Job
from pages import locales
from sending.models import Hold, Mailing
from sending.reasons import said
from sending.services import heldpeople, holddecisions, holdwords

RETRY, KEEP, WAIT, DROP = "retry", "keep", "wait", "drop"
VERBS = (RETRY, KEEP, WAIT, DROP)


@dataclass(frozen=True, slots=True)
class Run:
    """A run of refusals, with the messages that failed in it and those of its lane that wait."""

    hold: Hold
    failed: int
    left: int

    @property
    def key(self) -> str:
        return str(self.hold.pk)

    @property
    def title(self) -> str:
        return holdwords.sentence(self.hold)

    @property
    def elsewhere(self) -> str:
        return holdwords.elsewhere(self.hold) if self.hold.released_at is None else ""

    @property
    def words(self) -> str:
        return said(self.hold.words)

    @property
    def holds(self) -> bool:
        return self.hold.released_at is None

    @property
    def is_lane(self) -> bool:
        return self.hold.kind == Hold.Kind.LANE

    @property
    def is_relay(self) -> bool:
        """Whether the run stopped a relay; a person resumes it on the relay's page."""
        return self.holds and self.hold.kind == Hold.Kind.RELAY

    @property
    def may_go_on(self) -> bool:
        """Whether the decision also lets the stopped part go on. A mailing that the run paused is
        resumed by its own button."""
        return self.holds and self.hold.kind != Hold.Kind.MAILING

    @property
    def may_wait(self) -> bool:
        return self.holds and self.is_lane and self.hold.until is None

    @property
    def may_drop(self) -> bool:
        """Whether the rest may be skipped: of a lane, or messages that the relay can't carry."""
        unfit = self.hold.kind == Hold.Kind.MAILING and not self.hold.refused
        return self.holds and (self.is_lane or (unfit and self.hold.reason in SKIPPABLE))


# Reasons that depend on the single mail: the messages concerned can be skipped, the others sent.
SKIPPABLE = {"too_large"}


def runs(mailing: Mailing | None) -> list[Run]:
    """Runs that need a decision. Their people are counted by an index or a range of ids."""
    if mailing is None or mailing.state == Mailing.State.CANCELLED:
        return []
    found = []
    for one in heldpeople.undecided(mailing):
        lane = one.kind == Hold.Kind.LANE and one.released_at is None
        run = Run(one, heldpeople.count(one), heldpeople.left_in(one).count() if lane else 0)
        if run.failed or run.holds:
            found.append(run)
    return found


@transaction.atomic
def decide(campaign: Campaign, number: int, verb: str, *, by: User | None = None) -> str:
    """Carries the decision out. Returns a sentence for the person. Raises CampaignError if there is
    nothing left to decide."""
    campaign.refresh_from_db()
    # If two people decide at once, the second one sees the first one's decision. Claims and pauses
    # lock this row first, too.
    if campaign.mailing is not None:
        Mailing.objects.select_for_update(no_key=True).get(pk=campaign.mailing.pk)
    one = next((run for run in runs(campaign.mailing) if run.hold.pk == number), None)
    if one is None or verb not in VERBS:
        raise CampaignError(_("Somebody has decided about these refusals already."))
    if verb == RETRY:
        done = holddecisions.retry(one.hold, by)
        if isinstance(done, Job):
            return _("They are tried again, one batch after the other.")
        return _retried(done.messages)
    if verb == KEEP:
        holddecisions.keep(one.hold)
        return _("They stay failed, and the rest goes on.")
    if verb == WAIT and one.may_wait:
        holddecisions.wait_until_tomorrow(one.hold)
        return _("It waits for a day and goes on by itself then.")
    if verb == DROP and one.may_drop:
        holddecisions.drop(one.hold)
        return _("Dropped. Whoever still waits there is skipped, with the reason.")
    raise CampaignError(_("That can't be done here."))


def _retried(count: int) -> str:
    if not count:
        return _("It goes on.")
    words = ngettext(
        "{count} person who was refused is tried again.",
        "{count} people who were refused are tried again.",
        count,
    )
    return words.format(count=locales.number(count))
