"""Why a message is not accepted, or a mailing waits: every code with its sentence."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

SENTENCES: dict[str, Promise] = {
    # Left out when the audience was frozen, or skipped when its turn came.
    "suppressed_unsubscribed": _("Unsubscribed from everything"),
    "suppressed_hard_bounce": _("Suppressed after a hard bounce"),
    "suppressed_complaint": _("Suppressed after a complaint"),
    "suppressed_manual": _("Suppressed by hand"),
    "suppressed_imported": _("Suppressed by an import"),
    "suppressed_domain": _("The domain is suppressed"),
    "unsubscribed": _("Unsubscribed from the list"),
    "excluded": _("On a list that is left out"),
    "gone": _("The contact was deleted"),
    "cancelled": _("The mailing was cancelled"),
    # Failed: the server's reply, by meaning (sending.replies).
    "address": _("The address does not exist"),
    "policy": _("The server refuses the mail"),
    "expired": _("Still not taken when its time was over"),
    "render": _("The mail could not be made for this person"),
    "no_smtputf8": _("The relay can't send to addresses with other letters than ASCII"),
    "too_large": _("The mail is larger than the server takes"),
    # Waiting.
    "transient": _("The server asks to try again later"),
    "rate": _("The server asks to go slower"),
    "full": _("The mailbox is full"),
    "greylisted": _("The server asks newcomers to try again later"),
    "connection": _("The relay could not be reached"),
    "released": _("Given back before it was handed over"),
    # Unknown.
    "in_doubt": _("Handed over, but the server's reply was never seen"),
    "worker_lost": _("The worker was lost while it held this message"),
    # Stops the relay.
    "login": _("The relay refuses the login"),
    "sender": _("The relay refuses the sender address"),
    "certificate": _("The relay's certificate is not valid"),
    # A mailing's wait.
    "relay_paused": _("The relay is paused"),
    "relay_stopped": _("The relay is stopped"),
    "per_second": _("The relay's messages per second are used"),
    "per_hour": _("The relay's messages of this hour are used"),
    "per_day": _("The relay's messages of this day are used"),
    "retrying": _("The rest is tried again later"),
}


def text(code: str) -> str:
    """The sentence for a code; the code itself where it is none of ours."""
    return str(SENTENCES.get(code, code))
