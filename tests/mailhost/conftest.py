import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.conftest import design, make_list, open_to
from tests.engine.sink import Sink
from tests.engine.sink import running as running_sink
from tests.mailhost.servers import MailHost, missing, running

__all__ = ["design", "make_list", "open_to"]


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
def host(elsewhere: Sink) -> Iterator[MailHost]:
    """Postfix and Dovecot; CI fails without them, elsewhere the tests are skipped."""
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    # Short, since it holds sockets, and open to the servers' own users.
    base = Path(tempfile.mkdtemp(prefix="yanshu-mail-", dir="/tmp"))
    with running(base, elsewhere.port) as made:
        yield made
