"""The table of a campaign's states and transitions, including those of its mailing.

Before the start the campaign's own state counts, afterwards the mailing's (`state_of`).
sending.transitions moves mailings; a test checks that this table agrees with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.permissions import Permission
from campaigns.models import Campaign
from pages import locales
from sending.models import Mailing

DRAFT, SCHEDULED = Campaign.State.DRAFT.value, Campaign.State.SCHEDULED.value
SENDING, PAUSED = Mailing.State.SENDING.value, Mailing.State.PAUSED.value
FINISHED, CANCELLED = Mailing.State.FINISHED.value, Mailing.State.CANCELLED.value
# The row is gone; only Undo brings it back.
DELETED = "deleted"
# In the order in which a campaign goes through them; codes of pages.statuses.
STATES = (DRAFT, SCHEDULED, SENDING, PAUSED, FINISHED, CANCELLED)


@dataclass(frozen=True, slots=True)
class Transition:
    """One verb in one state. Without a permission, only the platform does it."""

    verb: str
    source: str
    target: str
    permission: Permission | None
    label: str | Promise = ""
    # Asked before actions that can't be undone; the names in braces are numbers that `asked` gets.
    question: str | Promise = ""


TRANSITIONS = (
    Transition("schedule", DRAFT, SCHEDULED, Permission.SEND, _("Schedule")),
    # Scheduled for now, so that every campaign starts in the same way.
    Transition(
        "send",
        DRAFT,
        SCHEDULED,
        Permission.SEND,
        _("Send now"),
        _("Send to {recipients} people now? Mails that are sent can't be called back."),
    ),
    Transition("delete", DRAFT, DELETED, Permission.EDIT_CAMPAIGNS, _("Delete")),
    Transition("unschedule", SCHEDULED, DRAFT, Permission.SEND, _("Back to draft")),
    Transition("start", SCHEDULED, SENDING, None),
    # It could not start; `state_reason` says why.
    Transition("refuse", SCHEDULED, DRAFT, None),
    Transition(
        "cancel",
        SCHEDULED,
        CANCELLED,
        Permission.SEND,
        _("Cancel campaign"),
        _("Cancel this campaign? It has not started; nobody gets it."),
    ),
    Transition("pause", SENDING, PAUSED, Permission.SEND, _("Pause")),
    Transition("resume", PAUSED, SENDING, Permission.SEND, pgettext_lazy("campaign", "Resume")),
    *(
        Transition(
            "cancel",
            state,
            CANCELLED,
            Permission.SEND,
            _("Cancel campaign"),
            _("Cancel this campaign? {done} of {targeted} are done; {left} will not be sent."),
        )
        for state in (SENDING, PAUSED)
    ),
    Transition("finish", SENDING, FINISHED, None),
    Transition(
        "reopen",
        FINISHED,
        SENDING,
        Permission.SEND,
        _("Send the unknown ones again"),
        _("Send {unknown} messages again? Those whose mail did arrive get it twice."),
    ),
)


def state_of(campaign: Campaign) -> str:
    """One of STATES."""
    return campaign.mailing.state if campaign.mailing else campaign.state


def transition(verb: str, state: str) -> Transition | None:
    """The transition of the verb in this state; None: the verb isn't possible."""
    return next((t for t in TRANSITIONS if (t.verb, t.source) == (verb, state)), None)


def possible(state: str) -> list[Transition]:
    """The transitions that people can make in this state; permissions aren't checked."""
    return [t for t in TRANSITIONS if t.source == state and t.permission is not None]


def asked(step: Transition, numbers: Mapping[str, int]) -> str:
    """The question, with numbers in the reader's format; "": no question."""
    return str(step.question).format(**{k: locales.number(v) for k, v in numbers.items()})
