"""Reads a batch's refusals. Each is about a recipient, about the relay and its account, or about
this mail at this relay for any recipient. Decides also whether another relay is tried before a
message fails."""

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

# How long an accepted mail proves that a relay of a pool works.
RECENT = timedelta(hours=1)
NO_SMTPUTF8_REASON, SENDER_SMTPUTF8 = "no_smtputf8", "sender_smtputf8"


@dataclass(frozen=True, slots=True)
class Refused:
    """One message that was refused.

    `lane`: its lane's name; `verdict`: None for a mail that could not be made. `doubtful`: the
    server says that it accepts nothing from us, or not from this sender, although the relay
    accepted others of the mailing. `unfit`: why this relay can't carry this mail for any recipient
    (a code of sending.reasons); `skipped`: a person decided to leave such mails out. `elsewhere`:
    nothing proves yet that the relay is right, and another relay is tried first. `unseen`: the
    server had not seen the recipient's address yet.
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
        """Whether the message fails for good: because of the recipient, or because the recipient's
        server rejects the mail."""
        if self.unfit or self.doubtful or self.elsewhere:
            return False
        return self.meaning is None or self.meaning.fails

    @property
    def halts(self) -> bool:
        return bool(self.meaning and self.meaning.stops_relay and not self.doubtful)

    @property
    def counts(self) -> bool:
        """Whether it may be part of a run. Addresses that need SMTPUTF8 are a fact about those
        recipients, no matter how many, and never a run."""
        if self.unfit or self.reason == NO_SMTPUTF8_REASON:
            return False
        return self.fails or self.doubtful or self.elsewhere

    @property
    def blames(self) -> bool:
        """Whether it is about the mail or its sender, not about the address."""
        return self.meaning not in {Meaning.ADDRESS, Meaning.DOMAIN}


@dataclass
class Refusing:
    """Reads the outcomes of a batch. It asks the database once for each fact, and only if a refusal
    needs it."""

    claimed: Sequence[Claimed]
    mailing: Mailing
    relay: Relay
    accepted: Accepted

    def read(self, outcomes: Mapping[int, Outcome]) -> dict[int, Refused]:
        """{message id: its refusal}"""
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
        # At MAIL the server has not seen the recipient: the refusal can't be about the recipient.
        doubtful = self.accepted_others and (why.stops_relay or (unseen and why.fails))
        # Other refusals are not trusted either while the relay has accepted nothing of the mailing.
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
        """It is about the recipient only if the recipient's address needs SMTPUTF8."""
        if message.address.isascii():
            why = SENDER_SMTPUTF8
            return Refused(
                lane, _FAILS, reply, why, unfit=why, skipped=self._skips(why), unseen=True
            )
        elsewhere = self._elsewhere(message)
        return Refused(lane, _FAILS, reply, NO_SMTPUTF8_REASON, elsewhere=elsewhere, unseen=True)

    def _unfit(self, outcome: Outcome, verdict: Verdict) -> str:
        """Why the relay can't carry such a mail for any recipient; "": the reply does not say
        so."""
        why = verdict.meaning
        if not why.fails:
            return ""
        if why is Meaning.TOO_LARGE and self._of_system(verdict):
            return why.value
        # After accepted mails, the same reply counts towards a run of refusals.
        at_once = outcome.stage is Stage.MAIL and not self.accepted_others
        return why.value if at_once else ""

    def _of_system(self, verdict: Verdict) -> bool:
        """Whether the mail is too large for the relay, not only for one mailbox behind it."""
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
        """Messages whose address is said not to exist, in lanes where the relay has accepted
        nothing of this mailing. Mails that it accepted of other mailings prove nothing: its
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


# A verdict for mails that need SMTPUTF8 where the server lacks it: no server said it, and it has no
# reply.
_FAILS = Verdict(Meaning.POLICY, None, "")


def reply_of(outcome: Outcome) -> str:
    """The reply without NUL, which PostgreSQL's text can't hold and a hostile server may send."""
    return outcome.reply.replace("\x00", "\ufffd")


def accepted_of(
    claimed: Iterable[Claimed], accepted: Accepted, lanes: Collection[str]
) -> dict[str, int]:
    """{lane: how many of it were accepted} for the given lanes. Mail providers have sums; for
    single domains the messages are counted."""
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
    """Whether the relay has accepted mails of the mailing. Then a refusal of login or sender is
    doubtful: more likely the relay passes on the reply of one recipient's server."""
    if not _accepted_any(mailing):
        return False
    return mailing.relay_id == relay.pk or accepted_lately(relay)


def _accepted_any(mailing: Mailing) -> bool:
    """For a stream, which may be years old, only the last day counts."""
    if mailing.kind == Mailing.Kind.STREAM:
        since = timezone.now() - LATELY
        return mailing.minutes.filter(minute__gt=since, accepted__gt=0).exists()
    return Tally.objects.filter(mailing=mailing, accepted__gt=0).exists()
