"""Diagnoses a relay's dialogue: the problem in words, and what to do about it. Pure."""

import errno
import re
import ssl
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from relays.trial import Dialogue, ServerReply, TrialStep
from smtp import Server, hosts
from smtp.replies import Meaning, Stage, meaning

# code: (what is wrong, what to do)
TROUBLES: dict[str, tuple[Promise, Promise]] = {
    "dns": (
        _("There is no server with this name."),
        _(
            "Check how the name is written. If it is right, the name service of this installation "
            "may be away: try again in a minute."
        ),
    ),
    "forbidden": (
        _("This installation does not connect to that address."),
        _(
            "Use the public name of a mail server. The operator decides about private addresses "
            "(YANSHU_PRIVATE_SERVERS)."
        ),
    ),
    "refused": (
        _("The server takes no connection on this port."),
        _(
            "Check the port: usually 587 with STARTTLS, 465 with TLS, 25 inside of a company. If "
            "it is right, the server is down or a firewall turns this machine away."
        ),
    ),
    "timeout": (
        _("Nothing answers at this address and port."),
        _(
            "Usually a firewall between here and there. Check the port, and ask whoever runs the "
            "network to open it."
        ),
    ),
    "timeout_25": (
        _("Nothing answers on port 25."),
        _(
            "Most clouds block port 25 outwards. Use port 587 with STARTTLS or 465 with TLS, or "
            "ask your cloud to open port 25."
        ),
    ),
    "unreachable": (
        _("There is no way from here to this address."),
        _("Check the network of this installation: routes, firewall, IPv6."),
    ),
    "plain_port": (
        _("This port does not begin with TLS."),
        _("Choose STARTTLS for the encryption, or the port for TLS, usually 465."),
    ),
    "silent": (
        _("The server accepts the connection but says nothing."),
        _("A port that begins with TLS waits for us to begin: choose TLS if it is 465 or 994."),
    ),
    "tls": (
        _("No encrypted connection could be made."),
        _("The server speaks another version of TLS or none. Check port and encryption."),
    ),
    "certificate_expired": (
        _("The server's certificate has expired."),
        _(
            "Whoever runs the server must renew it. Nothing is sent until then, because the "
            "connection could be somebody else's."
        ),
    ),
    "certificate_self_signed": (
        _("The server's certificate is signed by itself, so it proves nothing."),
        _(
            "Give the server a certificate of a public authority, or add its own to the trusted "
            "ones of this machine."
        ),
    ),
    "certificate_name": (
        _("The server's certificate is for another name."),
        _("Use the name that is in the certificate as the server's name."),
    ),
    "certificate": (
        _("The server's certificate can't be trusted."),
        _(
            "The certificate of its authority is missing or unknown here. Whoever runs the server "
            "must send the whole chain."
        ),
    ),
    "no_starttls": (
        _("The server offers no STARTTLS."),
        _(
            "Choose TLS with port 465 if the server has it. Choose no encryption only for a server "
            "in your own network."
        ),
    ),
    "no_auth": (
        _("The server offers no login here."),
        _(
            "Most servers offer it only on an encrypted connection: choose STARTTLS or TLS. A "
            "server that needs no login wants the user left empty."
        ),
    ),
    "no_method": (
        _("The server offers only ways to log in that need no password."),
        _("Ask the provider for a user and password for SMTP."),
    ),
    "login": (
        _("The server refuses this user and password."),
        _("Check both. Many providers want a password made for SMTP, not the one of the website."),
    ),
    "login_later": (
        _("The server can't check the login now."),
        _("Try again in some minutes; after many wrong tries servers close the door for a while."),
    ),
    "needs_login": (
        _("The server wants a login first."),
        _("Enter user and password."),
    ),
    "needs_tls": (
        _("The server wants an encrypted connection first."),
        _("Choose STARTTLS for the encryption."),
    ),
    "unwelcome": (
        _("The server turns this machine away before anything was said."),
        _(
            "Its address may be on a block list or must be allowed first. The server's own words "
            "say more."
        ),
    ),
    "ehlo": (
        _("The server refuses the name that this installation greets it with (EHLO)."),
        _(
            "The operator sets that name: YANSHU_EHLO_NAME must be the full name of this machine, "
            "such as mail.example.com, known to the name service. The log below shows what was "
            "said."
        ),
    ),
    "sender": (
        _("The server does not send for this sender address."),
        _(
            "Use an address that this login may send for, and verify it or its domain with the "
            "provider."
        ),
    ),
    "relay_denied": (
        _("The server does not pass on mail to other domains for us."),
        _(
            "Log in with user and password, or let the server accept mail from this machine's "
            "address (Postfix: mynetworks)."
        ),
    ),
    "address": (
        _("The server says that the recipient's address does not exist."),
        _("The connection works. Try another address."),
    ),
    "greylisted": (
        _("The server asks newcomers to try again later (greylisting)."),
        _(
            "The connection works. Campaigns try again by themselves; try this test again in some "
            "minutes."
        ),
    ),
    "rate": (
        _("The server asks to go slower, or this account's limit is reached."),
        _("The connection works. Set the limits of this relay to those of your account."),
    ),
    "transient": (
        _("The server can't take the mail now."),
        _("The connection works. Try again in some minutes."),
    ),
    "policy": (
        _("The server refuses the mail."),
        _(
            "The server's own words say why: often a sender that isn't verified, or its rules "
            "about content."
        ),
    ),
    "closed": (
        _("The server closed the connection."),
        _(
            "It may be too busy, or turn this machine away. Check port and encryption, and try "
            "again."
        ),
    ),
    "not_smtp": (
        _("Something answers, but it is no mail server."),
        _("Check the port: 587, 465 or 25."),
    ),
}

RELAYING = re.compile(r"relay|not local|only local", re.IGNORECASE)
NEEDS_TLS = re.compile(r"starttls|encrypt|\btls\b|\bssl\b", re.IGNORECASE)
# X509_V_ERR_… of OpenSSL.
EXPIRED, SELF_SIGNED, OTHER_NAME = {10}, {18, 19}, {62, 64}


@dataclass(frozen=True, slots=True)
class Trouble:
    """A diagnosis. `code`: a key of TROUBLES. `words`: those of the server or the system."""

    code: str
    words: str = ""

    @property
    def sentence(self) -> str:
        return str(TROUBLES[self.code][0])

    @property
    def advice(self) -> str:
        return str(TROUBLES[self.code][1])


def diagnose(server: Server, dialogue: Dialogue) -> Trouble | None:
    """The problem that the dialogue shows; None: no problem."""
    if dialogue.failed is None:
        return None
    if dialogue.missing:
        return Trouble(dialogue.missing)
    if dialogue.refusal is not None:
        reply = dialogue.refusal
        return Trouble(
            _refusal(reply, dialogue.failed, dialogue.stage), f"{reply.code} {reply.words}".strip()
        )
    error = dialogue.error
    words = str(error).strip() if error else ""
    return Trouble(_error(server, dialogue.failed, error), words)


# The first match decides.
KINDS: tuple[tuple[type[Exception], str], ...] = (
    (hosts.UnknownHostError, "dns"),
    (hosts.HostError, "forbidden"),
    (ConnectionRefusedError, "refused"),
    (ValueError, "not_smtp"),
)
NO_WAY = {errno.EHOSTUNREACH, errno.ENETUNREACH}


def _error(server: Server, step: TrialStep, error: Exception | None) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):  # a ValueError too
        return _certificate(error)
    if isinstance(error, ssl.SSLError):
        return "plain_port" if error.reason in PLAIN_ANSWERS else "tls"
    if isinstance(error, TimeoutError):
        return _timeout(server, step)
    if isinstance(error, OSError) and error.errno in NO_WAY:
        return "unreachable"
    # Servers without TLS on this port hang up at our first bytes.
    otherwise = "tls" if step in {TrialStep.TLS, TrialStep.STARTTLS} else "closed"
    return next((code for kind, code in KINDS if isinstance(error, kind)), otherwise)


# OpenSSL's errors for an SMTP greeting in the place of TLS.
PLAIN_ANSWERS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


def _timeout(server: Server, step: TrialStep) -> str:
    if step is TrialStep.CONNECT:
        return "timeout_25" if server.port == 25 else "timeout"
    # Both sides wait: we for the greeting, the server for our TLS; or the other way round.
    return "plain_port" if step is TrialStep.TLS else "silent"


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in EXPIRED:
        return "certificate_expired"
    if error.verify_code in SELF_SIGNED:
        return "certificate_self_signed"
    return "certificate_name" if error.verify_code in OTHER_NAME else "certificate"


def _refusal(reply: ServerReply, step: TrialStep, stage: Stage) -> str:
    """The trouble that a refusal shows. Its meaning decides, as for mails; step and words choose
    the advice."""
    why = meaning(reply.code, reply.words, stage)
    if step in AT_STEP:
        return "ehlo" if why is Meaning.EHLO and step is TrialStep.EHLO else AT_STEP[step]
    if step is TrialStep.LOGIN:
        return _login(reply) if why is Meaning.LOGIN else "login_later"
    if why is Meaning.LOGIN:
        return _of_account(step, reply)
    # At MAIL no recipient is named yet, so the server refuses the sender, whatever it says.
    if step is TrialStep.SENDER and why.fails:
        return "sender"
    if step is TrialStep.RECIPIENT and why in UNSAID and RELAYING.search(reply.words):
        return "relay_denied"
    return CODES.get(why, "policy")


# {step: the trouble that a refusal at it shows}
AT_STEP = {
    TrialStep.GREETING: "unwelcome",
    TrialStep.EHLO: "unwelcome",
    TrialStep.STARTTLS: "tls",
}
# Meanings that don't tell the trouble.
UNSAID = {Meaning.POLICY, Meaning.UNCLEAR}
CODES = {
    Meaning.ADDRESS: "address",
    Meaning.GREYLISTED: "greylisted",
    Meaning.RATE: "rate",
    Meaning.TRANSIENT: "transient",
    Meaning.FULL: "transient",
    Meaning.CONNECTION: "transient",
    Meaning.SENDER: "sender",
    Meaning.EHLO: "ehlo",
}


def _login(reply: ServerReply) -> str:
    if reply.code in {530, 538} and NEEDS_TLS.search(reply.words):
        return "needs_tls"
    return "login"


def _of_account(step: TrialStep, reply: ServerReply) -> str:
    """The trouble if the server still wants a login after one, or refuses the account's request."""
    if reply.code in {530, 538}:
        return "needs_tls" if NEEDS_TLS.search(reply.words) else "needs_login"
    if step is TrialStep.RECIPIENT and RELAYING.search(reply.words):
        return "relay_denied"
    return "needs_login"
