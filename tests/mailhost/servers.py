"""A private Postfix and Dovecot on loopback, everything of theirs in one directory.

Postfix takes what the relay is given, delivers `sender.test` into Dovecot's maildirs over LMTP,
hands `rejecting.test` to an SMTP server of the test, and knows no other place. Needs root, as
Postfix does.
"""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

POSTFIX, DOVECOT = "/usr/sbin/postfix", "/usr/sbin/dovecot"
DOMAIN, PASSWORD = "sender.test", "secret"

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = {base}/spool
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/mail.log
maillog_file_prefixes = {base}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.sender.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
local_recipient_maps =
recipient_delimiter = +
virtual_mailbox_domains = sender.test
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
transport_maps = inline:{{
    {{ rejecting.test = smtp:[127.0.0.1]:{elsewhere} }},
    {{ nowhere.test = error:5.1.2 no such domain }} }}
default_transport = error:5.1.2 nothing is delivered elsewhere
smtp_dns_support_level = disabled
smtp_tls_security_level = none
smtpd_tls_security_level = none
smtpd_recipient_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_client_connection_rate_limit = 0
bounce_queue_lifetime = 1h
"""

MASTER_CF = """\
127.0.0.1:{smtp} inet n - n - - smtpd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
lmtp      unix  - - n - - lmtp
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""

DOVECOT_CONF = """\
base_dir = {base}/run
state_dir = {base}/run
log_path = {base}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = dovecot
default_login_user = dovenull
first_valid_uid = 1
disable_plaintext_auth = no
ssl = no
mail_location = maildir:~/Maildir
recipient_delimiter = +
auth_mechanisms = plain login
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=dovecot gid=dovecot home={base}/home/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service anvil {{
  chroot =
}}
{namespace}
"""
# All folders are under the inbox, as Courier and Cyrus have it (RFC 2342).
NAMESPACE = """\
namespace inbox {{
  inbox = yes
  prefix = {prefix}
  separator = .
}}
"""


def missing() -> str:
    """Why there can be no mail host here; "" if there can."""
    if os.geteuid() != 0:
        return "Postfix must be started by root"
    for name in (POSTFIX, DOVECOT):
        if not Path(name).exists():
            return f"{name} is not installed (apt install postfix dovecot-imapd dovecot-lmtpd)"
    return ""


@dataclass(frozen=True)
class MailHost:
    smtp: int
    imap: int
    base: Path

    def log(self) -> str:
        """The ends of both logs, for a test that fails."""
        logs = [self.base / name for name in ("mail.log", "dovecot.log")]
        return "\n".join(log.read_text()[-3000:] for log in logs if log.exists())


def free_ports(number: int) -> list[int]:
    """Different ones: all are held while they are found."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(number)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in held]


def free_port() -> int:
    return free_ports(1)[0]


@contextmanager
def running(base: Path, elsewhere: int, *, prefix: str = "") -> Iterator[MailHost]:
    """Both servers, answering; `elsewhere`: the port of the server for rejecting.test. `prefix`: of
    the mailbox folders, whose levels are separated by a dot then."""
    names = ("smtp", "imap", "lmtp")
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    values = {"base": base, "password": PASSWORD, "elsewhere": elsewhere} | ports
    values["namespace"] = NAMESPACE.format(prefix=prefix) if prefix else ""
    _prepare(base, values)
    host = MailHost(ports["smtp"], ports["imap"], base)
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_run(DOVECOT, "-F", "-c", str(base / "dovecot.conf")))
        started.append(_run(POSTFIX, "-c", str(base / "postfix"), "start-fg"))
        until(
            lambda: all(answers(port) for port in ports.values()),
            what=lambda: f"{ports} {host.log()}",
        )
        yield host
    finally:
        subprocess.run(
            [POSTFIX, "-c", str(base / "postfix"), "stop"], check=False, capture_output=True
        )
        for process in reversed(started):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)
        shutil.rmtree(base, ignore_errors=True)


def _run(*command: str) -> subprocess.Popen[bytes]:
    """In a session of its own: Postfix wants to lead its process group."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _prepare(base: Path, values: dict[str, object]) -> None:
    for name in ("postfix", "spool", "data", "home", "run"):
        (base / name).mkdir(parents=True)
    base.chmod(0o755)
    shutil.chown(base / "data", "postfix")
    shutil.chown(base / "home", "dovecot")
    (base / "postfix" / "main.cf").write_text(MAIN_CF.format(**values))
    (base / "postfix" / "master.cf").write_text(MASTER_CF.format(**values))
    (base / "dovecot.conf").write_text(DOVECOT_CONF.format(**values))


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.settimeout(5)
            return bool(connection.recv(1))
    except OSError:
        return False


def until(done: Callable[[], bool], *, what: Callable[[], str], seconds: float = 30) -> None:
    """Waits for the condition; fails with what `what` says then."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, what()
        time.sleep(0.05)
