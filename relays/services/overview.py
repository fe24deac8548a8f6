"""The present figures, status and reasons of relays, for their pages, the list, and pools."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pages import reasons
from relays import lanes, providers, warmups
from relays.models import WORKING, Relay
from relays.queries import figures as relaynow
from relays.services.health import LIMITS

# {relay.exchange: (word, explanation)}; "": the fastest mode.
EXCHANGES: dict[str, tuple[str | Promise, str | Promise]] = {
    "": (
        gettext_lazy("Pipelined"),
        gettext_lazy("The next mail is on its way while the server still answers for the last."),
    ),
    "grouped": (
        gettext_lazy("Grouped"),
        gettext_lazy("Sender, recipient and the start of a mail go out together."),
    ),
    "plain": (
        gettext_lazy("One by one"),
        gettext_lazy(
            "Each command waits for the answer to the last: the slowest, and always safe."
        ),
    ),
    "chunked": (
        gettext_lazy("In chunks (BDAT)"),
        gettext_lazy("Mails go out with their length in front."),
    ),
}


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and how much of it is used, in messages."""

    label: str
    used: float
    limit: float

    @property
    def share(self) -> float:
        return self.used / self.limit if self.limit else 0.0


@dataclass(frozen=True, slots=True)
class RelayOverview:
    relay: Relay
    figures: relaynow.Figures

    @property
    def waits(self) -> bool:
        return self.relay.state in WORKING and self.relay.rests(timezone.now())

    @property
    def wait_reason(self) -> str:
        return reasons.text(self.relay.wait_reason)

    @property
    def status(self) -> str:
        """A code of pages.statuses."""
        if self.relay.archived_at:
            return "archived"
        return "waiting" if self.waits else self.relay.state

    @property
    def cause(self) -> tuple[str, str]:
        """Why it is stopped or waits: (sentence in the reader's language, server's words)."""
        return reasons.cause(self.relay.state_reason, self.relay.state_words)

    @property
    def by_answers(self) -> bool:
        """Whether it waits because of its server's replies, not for a limit."""
        return self.waits and self.relay.wait_reason not in LIMITS

    @property
    def able(self) -> bool:
        """Whether it can carry a new mailing now."""
        active = self.relay.state == Relay.State.ACTIVE and not self.relay.archived_at
        return active and not self.waits

    @property
    def exchange(self) -> tuple[str, str]:
        """(word, explanation) of the mode in which it speaks with its server."""
        stepped_down = self.relay.exchange if self.relay.exchange in EXCHANGES else ""
        key = stepped_down or ("chunked" if self.relay.chunking else "")
        word, meaning = EXCHANGES[key]
        return str(word), str(meaning)

    @property
    def stepped_down(self) -> bool:
        return self.relay.exchange not in {"", "pipelined"}

    @property
    def warmup(self) -> warmups.WarmupProgress | None:
        """Today's step; None: there is no plan, or it is over."""
        today = timezone.now().astimezone(UTC).date()
        return warmups.progress(self.relay, today)

    @property
    def trouble(self) -> int:
        """The order by need for attention; 0 needs it most."""
        if self.relay.state == Relay.State.STOPPED:
            return 0
        if self.by_answers:
            return 1
        if self.waits:
            return 2
        if self.relay.state != Relay.State.ACTIVE:
            return 3
        return 4 if self.figures.slowed or self.stepped_down else 5

    def limits(self) -> list[Limit]:
        """The relay's limits of messages, the shortest period first."""
        rate = self.figures.per_second
        relay = self.relay
        known = (
            (_("A second"), rate, relay.per_second),
            (_("A minute"), rate * 60, relay.per_minute),
            (_("This hour"), self.figures.hour, relay.per_hour),
            (_("Today (UTC)"), self.figures.day, relay.per_day),
            (_("Warm-up, today"), self.figures.day, self.warmup and self.warmup.most),
        )
        return [Limit(label, used, float(limit)) for label, used, limit in known if limit]

    @property
    def tightest(self) -> Limit | None:
        """The limit of which the largest part is used."""
        return max(self.limits(), key=lambda one: one.share, default=None)


def lane_label(name: str) -> str:
    """The lane's name for people: the mail provider or the domain. The lane of the relay's own
    server stands for all mails."""
    return _("all providers") if name == lanes.WHOLE else providers.label(name)


def of(relays: Iterable[Relay]) -> list[RelayOverview]:
    """Overviews of the relays, in the same order."""
    shown = list(relays)
    figures = relaynow.of([relay.pk for relay in shown])
    return [RelayOverview(relay, figures[relay.pk]) for relay in shown]


def troubled_first(relays: Iterable[Relay]) -> list[RelayOverview]:
    """Overviews, those that need attention first; relays that deliver to nobody are always last."""
    return sorted(of(relays), key=lambda one: (not one.relay.delivers, one.trouble, one.relay.name))
