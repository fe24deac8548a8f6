"""What a batch's refusals are about: a recipient, the relay and its account, or this mail and this
relay, whoever it is for; and whether another relay is asked before it fails anybody."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from django.utils import timezone

from relays import providers
from relays.models import Relay, RelayMinute
from sending.models import Mailing, Tally
from sending.queries import refusals as query
from sending.queries.claim import Claimed
from sending.queries.streams import LATELY
from sending.services import holds, verdicts
from smtp import End, Outcome, Stage
from smtp.accepted import Accepted
from smtp.replies import LimitOf, Meaning, Verdict

# Of a pool's relays, which one took a mail is known for as long.
RECENT = timedelta(hours=1)
NO_SMTPUTF8_REASON, SENDER_SMTPUTF8 = "no_smtputf8", "sender_smtputf8"


@dataclass(frozen=True, slots=True)
class Refused:
    """One message that was refused.

    `lane`: its lane's name; `verdict`: None for a mail that could not be made. `doubtful`: the
    server says that it takes nothing from us, or not from this sender, while the relay took others
    of the mailing. `unfit`: why this relay can't carry this mail, whoever it is for (a code of
    sending.reasons); `skipped`: somebody decided that such mails are left out. `elsewhere`: nothing
    shows yet that the relay's word counts, and another relay is asked first. `unseen`: no recipient
    had been named yet.
    """

    lane: str
    verdict: Verdict | None
    reply: str
    reason: str
    doubtful: bool = False
    unfit: str = ""
    skipped: bool = False
    elsewhere: bool = False
    unseen: bool = False

    @property
    def meaning(self) -> Meaning | None:
        return self.verdict.meaning if self.verdict else None

    @property
    def fails(self) -> bool:
        """For good, because of the recipient or of what the mail is to this recipient's server."""
        if self.unfit or self.doubtful or self.elsewhere:
            return False
        return self.meaning is None or self.meaning.fails

    @property
    def halts(self) -> bool:
        return bool(self.meaning and self.meaning.stops_relay and not self.doubtful)

    @property
    def counts(self) -> bool:
        """Whether it may be one of a run. That some addresses have other letters is a fact about
        those people, however many they are."""
        if self.unfit or self.reason == NO_SMTPUTF8_REASON:
            return False
        return self.fails or self.doubtful or self.elsewhere

    @property
    def blames(self) -> bool:
        """It speaks of the mail or its sender, not of the address."""
        return self.meaning not in {Meaning.ADDRESS, Meaning.DOMAIN}


@dataclass
class Refusing:
    """A batch whose outcomes are read. What has to be asked of the database is asked once, and only
    where a refusal makes it matter."""

    claimed: Sequence[Claimed]
    mailing: Mailing
    relay: Relay
    accepted: Accepted

    def read(self, outcomes: Mapping[int, Outcome]) -> dict[int, Refused]:
        """{message id: what refused it}"""
        refusing = {
            number: one
            for number, one in outcomes.items()
            if one.verdict is not None or one.end in {End.NOT_COMPOSED, End.NEEDS_SMTPUTF8}
        }
        if not refusing:
            return {}
        messages = {one.id: one for one in self.claimed if one.id in refusing}
        read = {n: one.verdict for n, one in refusing.items() if one.verdict is not None}
        doubted = self._unproven(messages, read) if self.has_others else set()
        return {
            number: self._read(messages[number], one, doubted)
            for number, one in refusing.items()
            if number in messages
        }

    def _read(
        self,
        message: Claimed,
        outcome: Outcome,
        doubted: Collection[int],
    ) -> Refused:
        lane = providers.lane_name(message.lane, message.address)
        reply = reply_of(outcome)
        if outcome.end is End.NEEDS_SMTPUTF8:
            return self._no_smtputf8(message, lane, reply)
        verdict = outcome.verdict
        if verdict is None:
            return Refused(lane, None, reply, "render", unseen=True)
        unseen = outcome.stage is Stage.MAIL
        why = verdict.meaning
        if unfit := self._unfit(outcome, verdict):
            skipped = self._skips(unfit)
            return Refused(lane, verdict, reply, unfit, unfit=unfit, skipped=skipped, unseen=unseen)
        # At MAIL nobody was named yet: whatever is refused there, it isn't the recipient.
        doubtful = self.accepted_others and (why.stops_relay or (unseen and why.fails))
        # Nor does anything prove what else a relay says that has accepted nothing of the mailing.
        doubts = message.id in doubted or (why.fails and not self.accepted_others)
        elsewhere = doubts and self._elsewhere(message)
        unproven = verdicts.UNPROVEN if elsewhere else verdicts.PENDING
        return Refused(
            lane,
            verdict,
            reply,
            unproven if why.suppresses else why.value,
            doubtful=doubtful,
            elsewhere=elsewhere,
            unseen=unseen,
        )

    def _no_smtputf8(self, message: Claimed, lane: str, reply: str) -> Refused:
        """A fact about the recipient only where the recipient's address needs it."""
        if message.address.isascii():
            why = SENDER_SMTPUTF8
            return Refused(
                lane, _FAILS, reply, why, unfit=why, skipped=self._skips(why), unseen=True
            )
        elsewhere = self._elsewhere(message)
        return Refused(lane, _FAILS, reply, NO_SMTPUTF8_REASON, elsewhere=elsewhere, unseen=True)

    def _unfit(self, outcome: Outcome, verdict: Verdict) -> str:
        """Why the relay can't carry such a mail for anybody; "" where it says no such thing."""
        why = verdict.meaning
        if not why.fails:
            return ""
        if why is Meaning.TOO_LARGE and self._of_system(verdict):
            return why.value
        # The same words after others were accepted are looked at as a run of refusals.
        at_once = outcome.stage is Stage.MAIL and not self.accepted_others
        return why.value if at_once else ""

    def _of_system(self, verdict: Verdict) -> bool:
        """Whether the size is too much for the relay, not for one mailbox behind it."""
        if verdict.limit_of is LimitOf.UNKNOWN:
            return not self.accepted_others
        return verdict.limit_of is LimitOf.RELAY

    def _skips(self, why: str) -> bool:
        if why not in self._skipped:
            self._skipped[why] = holds.skips(self.mailing, why)
        return self._skipped[why]

    @cached_property
    def _skipped(self) -> dict[str, bool]:
        return {}

    def _elsewhere(self, message: Claimed) -> bool:
        return message.attempts == 0 and self.has_others

    @cached_property
    def has_others(self) -> bool:
        return holds.has_others(self.mailing, self.relay)

    @cached_property
    def accepted_others(self) -> bool:
        return bool(self.accepted) or accepted_others(self.mailing, self.relay)

    # Who is asked first ---------------------------------------------------------------------------

    def _unproven(self, messages: Mapping[int, Claimed], read: Mapping[int, Verdict]) -> set[int]:
        """Of messages whose address is said not to exist: those of lanes of which the relay has
        accepted nothing in this mailing. What it took of another one says nothing about today: its
        settings may have changed."""
        lanes = {
            number: providers.lane_name(one.lane, one.address)
            for number, one in messages.items()
            if number in read and read[number].meaning.suppresses
        }
        names = set(lanes.values())
        if not names:
            return set()
        names -= accepted_of(self.claimed, self.accepted, names).keys()
        if names:
            names -= self._took(names)
        return {number for number, name in lanes.items() if name in names}

    def _took(self, names: Collection[str]) -> set[str]:
        numbers = {number: name for name in names if (number := providers.lane_number(name))}
        domains = [name for name in names if not providers.lane_number(name)]
        found = query.accepted_lanes(self.mailing, self.relay, numbers, domains)
        return {numbers[int(one)] if one.isdigit() else one for one in found}


# What can't be sent here is no server's verdict; it fails as one that has no words.
_FAILS = Verdict(Meaning.POLICY, None, "")


def reply_of(outcome: Outcome) -> str:
    """PostgreSQL has no NUL in text; a hostile server may send one."""
    return outcome.reply.replace("\x00", "\ufffd")


def accepted_of(
    claimed: Iterable[Claimed], accepted: Accepted, lanes: Collection[str]
) -> dict[str, int]:
    """{lane: how many of it were accepted} of the lanes asked for. Of single domains the messages
    are looked at; of mail providers their sums are known."""
    found = {
        name: int(accepted.lanes[number][0])
        for name in lanes
        if (number := providers.lane_number(name)) and number in accepted.lanes
    }
    if accepted and any(not providers.lane_number(name) for name in lanes):
        ids = set(accepted.ids)
        for message in claimed:
            if message.lane == providers.OTHERS and message.id in ids:
                name = providers.lane_name(message.lane, message.address)
                if name in lanes:
                    found[name] = found.get(name, 0) + 1
    return found


def accepted_lately(relay: Relay) -> bool:
    since = timezone.now() - RECENT
    minutes = RelayMinute.objects.filter(relay=relay, minute__gt=since, meaning=Meaning.ACCEPTED)
    return minutes.exists()


def accepted_others(mailing: Mailing, relay: Relay) -> bool:
    """Whether the relay has accepted mails of the mailing, so that neither its login nor its sender
    is what it refuses: more likely it passes on what one recipient's server says."""
    if not _accepted_any(mailing):
        return False
    return mailing.relay_id == relay.pk or accepted_lately(relay)


def _accepted_any(mailing: Mailing) -> bool:
    """Of a stream, which may be years old, within a day."""
    if mailing.kind == Mailing.Kind.STREAM:
        since = timezone.now() - LATELY
        return mailing.minutes.filter(minute__gt=since, accepted__gt=0).exists()
    return Tally.objects.filter(mailing=mailing, accepted__gt=0).exists()
