"""Reasons why a message is not accepted or a mailing waits; for replies of relays see
relays.reasons."""

import re

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from designs import wording
from pages import reasons

# The error text of designs.rendering for a part that can't be rendered for a person.
NOT_MADE = re.compile(r"(subject|preheader|html|text), line (\d+): (.+)", re.DOTALL)
PARTS: dict[str, Promise] = {
    "subject": _("Subject"),
    "preheader": _("Preview text"),
    "html": _("HTML"),
    "text": _("Plain text"),
}
SENTENCES: dict[str, Promise] = {
    # Left out when the audience was frozen, or skipped when claimed.
    "suppressed_unsubscribed": _("Unsubscribed from everything"),
    "suppressed_hard_bounced": _("Suppressed after a hard bounce"),
    "suppressed_complained": _("Suppressed after a complaint"),
    "suppressed_soft_bounced": _("Suppressed for a time after soft bounces"),
    "suppressed_paused": _("Paused by the person, for a time"),
    "suppressed_manual": _("Suppressed by hand"),
    "suppressed_imported": _("Suppressed by an import"),
    "suppressed_domain": _("The domain is suppressed"),
    "suppressed_pattern": _("A suppressed pattern matches the address"),
    "suppressed_erased": _("The person asked to be erased"),
    "suppressed_everywhere": _("Suppressed for the whole installation"),
    "unsubscribed": _("Unsubscribed from the list"),
    "off_list": _("No longer on the list"),
    "excluded": _("On a list that is left out"),
    "held_out": _("In the part of the audience that gets nothing, for comparison"),
    "no_list": _("Subscribed to no list"),
    "excluded_segment": _("In a segment that is left out"),
    "excluded_contact": _("Left out by name"),
    "excluded_mailing": _("Got a mailing whose recipients are left out"),
    "mailed_lately": _("Was mailed shortly before"),
    "address_moved": _("The address got the mailing already, as that of another contact"),
    "same_person": _("The person got the mailing at another address, or may have got it"),
    "too_often": _("Wants fewer advertising mails, and had one lately"),
    "gone": _("The contact was deleted"),
    "cancelled": _("The mailing was cancelled"),
    "lane_dropped": _("Its provider refused the mailing, and somebody dropped the rest"),
    # Failed; for meanings of replies see relays.reasons.
    "expired": _("Not accepted before its time ran out"),
    "render": _("The mail could not be made for this person"),
    "address_pending": _("The server says that the address does not exist; not judged yet"),
    "address_unproven": _("The relay says that the address does not exist, but nothing proves it"),
    # Waiting.
    "released": _("Given back before it was handed over"),
    "retried": _("Failed before; somebody asked to try again"),
    # Unknown.
    "worker_lost": _("The worker was lost while it held this message"),
    # Pauses a mailing.
    "many_refused": _("Servers refuse too many of the mails"),
    "not_prepared": _("The mails could not be prepared"),
    "many_unseen": _("For too many mails the server's reply was never seen"),
    # services.fence.
    "restored": _("The database was restored or copied, so these mails may have been sent already"),
    # Holds a part of a mailing.
    "held": _("Held: too many mails were refused"),
    # A mailing's wait.
    "sending_off": _("Sending is switched off on this installation (YANSHU_SENDING)"),
    "no_host": _("No host that sends is running"),
    "host_disk_full": _("No host can send: the disk is full"),
    "host_read_only": _("No host can send: the state directory is read-only"),
    "host_open_files": _("No host can send: too many files are open"),
    "host_memory": _("No host can send: the memory is used up"),
    "host_files": _("No host can send: the state directory can't be used"),
    "window": _("The sending window is closed"),
    "mailing_rate": _("The campaign's messages per minute are used up"),
    "retrying": _("The rest is tried again later"),
}
reasons.register(SENTENCES)


def said(words: str) -> str:
    """Like pages.reasons.said, and also for errors of mails that could not be made."""
    if found := NOT_MADE.fullmatch(words):
        where = {"part": PARTS[found[1]], "line": int(found[2]), "text": wording.said(found[3])}
        if not where["line"]:
            return f"{where['part']}: {where['text']}"
        return gettext("%(part)s, line %(line)d: %(text)s") % where
    return reasons.said(words)
