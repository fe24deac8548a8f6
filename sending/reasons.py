"""Why a message is not accepted, or a mailing waits: every code with its sentence."""

import re
from functools import cache

from django.utils.functional import Promise
from django.utils.translation import gettext, override
from django.utils.translation import gettext_lazy as _

from designs import wording

# What designs.rendering says about a part that can't be made for a person.
NOT_MADE = re.compile(r"(subject|preheader|html|text), line (\d+): (.+)", re.DOTALL)
PARTS: dict[str, Promise] = {
    "subject": _("Subject"),
    "preheader": _("Preview text"),
    "html": _("HTML"),
    "text": _("Plain text"),
}
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
    "lane_dropped": _("Its provider refused the mailing, and somebody dropped the rest"),
    # Failed: the server's reply, by meaning (smtp.replies).
    "address": _("The address does not exist"),
    "domain": _("The relay finds no mail server for the domain, perhaps only for now"),
    "policy": _("The server refuses the mail"),
    "unclear": _("Refused, and the reason is not understood"),
    "expired": _("Still not taken when its time was over"),
    "render": _("The mail could not be made for this person"),
    "no_smtputf8": _("The relay can't send to addresses with other letters than ASCII"),
    "too_large": _("The mail is larger than the server takes"),
    "address_pending": _("The server says that the address does not exist; not judged yet"),
    "address_unproven": _("The relay says that the address does not exist, but nothing proves it"),
    # Waiting.
    "transient": _("The server asks to try again later"),
    "rate": _("The server asks to go slower"),
    "full": _("The mailbox is full"),
    "greylisted": _("The server asks newcomers to try again later"),
    "connection": _("The relay could not be reached"),
    "silent": _("The relay owes an answer and is silent"),
    "too_many": _("The relay takes no more connections now"),
    "released": _("Given back before it was handed over"),
    "lane": _("The mail provider asks to go slower"),
    "retried": _("Failed before; somebody asked to try again"),
    "slow": _("Answers come much later than they used to"),
    # Unknown.
    "in_doubt": _("Handed over, but the server's reply was never seen"),
    "worker_lost": _("The worker was lost while it held this message"),
    # Stops the relay.
    "fault": _("An error in Yanshu ended the work over this relay; the log has it"),
    "login": _("The relay refuses the login or the account"),
    "sender": _("The relay refuses the sender address"),
    "ehlo": _("The relay refuses the name that this installation greets it with"),
    "refuses_all": _("The relay accepts nothing of a mailing"),
    "certificate": _("The relay's certificate is not valid"),
    "tls": _("The relay's encryption failed or is not offered"),
    # Pauses a mailing.
    "many_refused": _("Servers refuse too many of the mails"),
    "not_prepared": _("The mails could not be prepared"),
    "many_unseen": _("For too many mails the server's reply was never seen"),
    # services.fence.
    "restored": _("The database was restored or copied, so these mails may have been sent already"),
    # Or holds a part of it.
    "held": _("Held: too many mails were refused"),
    "sender_smtputf8": _("The relay can't send from an address with other letters than ASCII"),
    # A mailing's wait.
    "sending_off": _("Sending is switched off on this installation (YANSHU_SENDING)"),
    "no_host": _("No host that sends is running"),
    "host_disk_full": _("No host can send: the disk is full"),
    "host_read_only": _("No host can send: the state directory is read-only"),
    "host_open_files": _("No host can send: too many files are open"),
    "host_memory": _("No host can send: the memory is used up"),
    "host_files": _("No host can send: the state directory can't be used"),
    "relay_paused": _("The relay is paused"),
    "relay_stopped": _("The relay is stopped"),
    "relay_draining": _("The relay takes no new mailings"),
    "per_second": _("The relay's messages per second are used"),
    "per_minute": _("The relay's messages per minute are used"),
    "per_hour": _("The relay's messages of this hour are used"),
    "per_day": _("The relay's messages of this day are used"),
    "warmup": _("The relay's warm-up allows no more today"),
    "window": _("The sending window is closed"),
    "mailing_rate": _("The campaign's messages per minute are used"),
    "share": _("The other relays of the pool come first"),
    "retrying": _("The rest is tried again later"),
}


def text(code: str) -> str:
    """The sentence for a code; the code itself where it is none of ours."""
    return str(SENTENCES.get(code, code))


def said(words: str) -> str:
    """A server's words as they came; words of ours, which stand where there was no reply, in the
    reader's language."""
    if found := NOT_MADE.fullmatch(words):
        where = {"part": PARTS[found[1]], "line": int(found[2]), "text": wording.said(found[3])}
        if not where["line"]:
            return f"{where['part']}: {where['text']}"
        return gettext("%(part)s, line %(line)d: %(text)s") % where
    return gettext(words) if words and not words[0].isdigit() else words


def with_words(code: str, words: str) -> str:
    """Sentence and server's words, as it is stored where only one text can be: in English."""
    return f"{_english()[code]}: {words}" if words else _english()[code]


def cause(stored: str) -> tuple[str, str]:
    """What `with_words` stored: (our sentence in the reader's language, the server's words). Of any
    other text all is words."""
    sentence, colon, words = stored.partition(": ")
    for code, english in _english().items():
        if english == (sentence if colon else stored):
            return text(code), words
    return "", stored


@cache
def _english() -> dict[str, str]:
    with override("en"):
        return {code: str(sentence) for code, sentence in SENTENCES.items()}
