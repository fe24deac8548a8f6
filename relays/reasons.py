"""Sentences for reasons of relays: meanings of replies, errors of connections, waits, stops."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pages import reasons
from relays import remarks

SENTENCES: dict[str, Promise] = {
    # Meanings of a server's reply (smtp.replies).
    "address": _("The address does not exist"),
    "domain": _("The relay finds no mail server for the domain, perhaps only for now"),
    "policy": _("The server refuses the mail"),
    "unclear": _("Refused, and the reason is not understood"),
    "too_large": _("The mail is larger than the server takes"),
    "transient": _("The server asks to try again later"),
    "full": _("The mailbox is full"),
    "greylisted": _("The server asks newcomers to try again later"),
    "rate": _("The server asks to go slower"),
    "connection": _("The relay could not be reached"),
    "login": _("The relay refuses the login or the account"),
    "sender": _("The relay refuses the sender address"),
    "ehlo": _("The relay refuses the name that this installation greets it with"),
    # Results of a connection.
    "certificate": _("The relay's certificate is not valid"),
    "tls": _("The relay's encryption failed or is not offered"),
    "silent": _("The relay's server does not answer"),
    "too_many": _("The relay takes no more connections now"),
    "slow": _("Answers come much later than they used to"),
    "no_smtputf8": _("The relay can't send to addresses with other letters than ASCII"),
    "sender_smtputf8": _("The relay can't send from an address with other letters than ASCII"),
    "in_doubt": _("Handed over, but the server's reply was never seen"),
    # Causes for which a relay stops or waits.
    "secret": _("The relay's password can't be read: the server's secret key has changed"),
    "fault": _("An error in Yanshu ended the work over this relay; the log has it"),
    "refuses_all": _("The relay accepts nothing of a mailing"),
    "relay_paused": _("The relay is paused"),
    "relay_stopped": _("The relay is stopped"),
    "relay_draining": _("The relay takes no new mailings"),
    "lane": _("The mail provider asks to go slower"),
    "per_second": _("The relay's limit per second is reached"),
    "per_minute": _("The relay's limit per minute is reached"),
    "per_hour": _("The relay's hourly limit is reached"),
    "per_day": _("The relay's daily limit is reached"),
    "warmup": _("The relay's warm-up allows no more today"),
    "share": _("The other relays of the pool come first"),
}
reasons.register(SENTENCES)
reasons.translations.add(remarks.said)
