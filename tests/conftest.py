"""People and workspaces that most tests need; what several apps' tests need is in tests.fixtures,
and servers come from tests.servers."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client, override_settings

from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from smtp import config, tls_context
from tests.fixtures import (
    certificate,
    imap,
    mailbox,
    make_list,
    make_mailing,
    relay,
    sent,
    sink,
    url,
)
from tests.mailservers.smtp import Authority, make_authority

PASSWORD = "correct horse battery"
# Fixtures for all tests; a folder may have its own of the same name.
__all__ = [
    "certificate",
    "imap",
    "mailbox",
    "make_list",
    "make_mailing",
    "relay",
    "sent",
    "sink",
    "url",
]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow ones first, so that no worker ends with one; those in a browser last, because Playwright
    leaves its event loop running in the thread that the others need for theirs."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("browser") is not None,
            item.get_closest_marker("slow") is None,
        )
    )


# Characters of a value in the name of a test.
LONGEST_ID = 40


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value is named by its argument. It may hold the time of day, such as a signed text or
    a file: then each worker would collect tests of other names, and none would run."""
    return argname if isinstance(val, str | bytes) and len(val) > LONGEST_ID else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """CI has every part installed: a skipped test is a failure there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


# What the product uses; a test of log-in itself asks for it by the fixture `real_hashers`.
REAL_HASHERS = settings.PASSWORD_HASHERS


@pytest.fixture(scope="session", autouse=True)
def _fast_hashers() -> Iterator[None]:
    """Argon2 takes 0.4 s of a processor for each user that a test makes."""
    with override_settings(
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher", *REAL_HASHERS]
    ):
        yield


@pytest.fixture
def real_hashers() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=REAL_HASHERS):
        yield


@pytest.fixture
def workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Brand", slug="brand", from_email="news@brand.example")


@pytest.fixture
def other_workspace(db: None) -> Workspace:
    return Workspace.objects.create(name="Other", slug="other")


@pytest.fixture
def make_member(db: None) -> Callable[..., User]:
    """A user who is a member of the workspace with the role."""

    def make(workspace: Workspace, role: Role = Role.OWNER, email: str = "") -> User:
        user = User.objects.create_user(email or f"{role}@{workspace.slug}.example", PASSWORD)
        Membership.objects.create(workspace=workspace, user=user, role=role)
        return user

    return make


@pytest.fixture
def owner(workspace: Workspace, make_member: Callable[..., User]) -> User:
    return make_member(workspace)


@pytest.fixture
def owner_client(owner: User) -> Client:
    client = Client()
    client.force_login(owner, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def stranger_client(other_workspace: Workspace, make_member: Callable[..., User]) -> Client:
    """Logged in, but a member of another workspace only."""
    client = Client()
    client.force_login(
        make_member(other_workspace),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    return client


@pytest.fixture
def smtp_config() -> Iterator[Callable[..., None]]:
    """Sets fields of smtp.config.Config for the time of the test."""
    before = config.current()

    def use(**fields: object) -> None:
        config.use(replace(config.current(), **fields))  # type: ignore[arg-type]

    yield use
    config.use(before)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Authority]:
    """Signs certificates that this process trusts for the time of the test."""
    made = make_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(made.trusted))
    tls_context.cache_clear()
    yield made
    tls_context.cache_clear()


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary directory that an unprivileged PostgreSQL may enter; pytest's are private."""
    path = Path(tempfile.mkdtemp(prefix="yanshu-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
