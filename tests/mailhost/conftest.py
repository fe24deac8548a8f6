import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import secrets
from accounts.models import Workspace
from bounces.models import BounceMailbox
from tests import factories
from tests.mailhost.exim import Exim
from tests.mailhost.exim import missing as exim_missing
from tests.mailhost.exim import running as running_exim
from tests.mailhost.servers import DOMAIN, PASSWORD, MailHost, missing, running
from tests.mailservers.sink import Sink
from tests.mailservers.sink import running as running_sink
from tests.sending.engine.conftest import design, open_to

__all__ = ["design", "open_to"]

ADDRESS = f"bounces@{DOMAIN}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.mailhost)


@pytest.fixture
def elsewhere() -> Iterator[Sink]:
    """The server of rejecting.test: refuses `reject…` with 550."""
    with running_sink() as sink:
        yield sink


@pytest.fixture
def namespace() -> str:
    """The prefix of Dovecot's folders."""
    return ""


@pytest.fixture
def host(elsewhere: Sink, namespace: str) -> Iterator[MailHost]:
    """Postfix and Dovecot."""
    _needs(missing())
    with running(_base(), elsewhere.port, prefix=namespace) as made:
        yield made


@pytest.fixture
def mailbox(workspace: Workspace, host: MailHost) -> BounceMailbox:
    """Of Dovecot."""
    return factories.make_mailbox(
        workspace,
        host.imap,
        name="Dovecot",
        username=ADDRESS,
        password=secrets.encrypt(PASSWORD),
        managed_by="",
    )


@pytest.fixture
def exim() -> Iterator[Exim]:
    _needs(exim_missing())
    with running_exim(_base()) as made:
        yield made


def _needs(reason: str) -> None:
    """CI fails without the servers, elsewhere the tests are skipped."""
    if reason:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


def _base() -> Path:
    """Short, since it holds sockets, and open to the servers' own users."""
    return Path(tempfile.mkdtemp(prefix="yanshu-mail-", dir="/tmp"))
