"""A private Exim on loopback that takes few mails and commands on a connection, as Debian's default
does, and keeps what it took in its queue. Its log says which mails those are.

Debian's packages of Exim and Postfix exclude each other: CI unpacks Exim without installing it
(.ci/run). Needs root and the user that Debian's Exim runs as.
"""

import os
import pwd
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.mailhost.servers import answers, free_port, until

ROOT = Path(__file__).parents[2]
USER = "Debian-exim"
PLACES = (ROOT / "var/exim/usr/sbin/exim4", Path("/usr/sbin/exim4"))
MAILS, COMMANDS = 7, 10

CONFIG = """\
exim_user = {user}
exim_group = {user}
spool_directory = {base}/spool
log_file_path = {base}/log/%slog
pid_file_path = {base}/log/pid
log_selector = +received_recipients
keep_environment =
primary_hostname = mx.sender.test
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
smtp_accept_max = 100
smtp_accept_max_per_connection = {mails}
smtp_accept_max_nonmail = {commands}
tls_advertise_hosts =
chunking_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
queue_only = true
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
begin acl
rcpt:
  deny message = User unknown
       local_parts = ^nobody
  accept
"""
RECEIVED = re.compile(r" <= .* for (\S+)$", re.MULTILINE)


def program() -> Path | None:
    return next((path for path in PLACES if path.exists()), None)


def missing() -> str:
    """Why there can be no Exim here; "" if there can."""
    if os.geteuid() != 0:
        return "Exim must be started by root"
    if program() is None:
        return "Exim is not there (.ci/run unpacks it into var/exim)"
    try:
        pwd.getpwnam(USER)
    except KeyError:
        return f"there is no user {USER}"
    return ""


@dataclass(frozen=True)
class Exim:
    port: int
    base: Path

    def log(self) -> str:
        """Both of its logs."""
        return "\n".join(path.read_text() for path in sorted((self.base / "log").glob("*log")))

    def received(self) -> Counter[str]:
        """How often it took a mail for each recipient."""
        return Counter(RECEIVED.findall(self.log()))


@contextmanager
def running(base: Path) -> Iterator[Exim]:
    exim = Exim(free_port(), base)
    for name in ("spool", "log"):
        (base / name).mkdir(parents=True)
        shutil.chown(base / name, USER, USER)
    base.chmod(0o755)
    config = base / "exim.conf"
    config.write_text(
        CONFIG.format(user=USER, base=base, port=exim.port, mails=MAILS, commands=COMMANDS)
    )
    command = [str(program()), "-C", str(config), "-bdf"]
    with (base / "out").open("wb") as out:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until(
            lambda: answers(exim.port),
            what=lambda: f"{exim.log()} {(base / 'out').read_text()}",
        )
        yield exim
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)
        shutil.rmtree(base, ignore_errors=True)
