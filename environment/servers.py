"""Checks that the servers named in the settings can be used, before anything else is started."""

from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import psycopg
from kombu import Connection

from environment import readers as settings
from environment.loading import given
from environment.readers import SettingError

# Seconds to wait for a server.
PATIENCE = 5


def check(env: Mapping[str, str]) -> None:
    """Raises SettingError if a named server doesn't answer or refuses the log-in."""
    if given("DATABASE_URL", env):
        _check_database(settings.text("DATABASE_URL", None, env))
    if given("CELERY_BROKER_URL", env):
        _check_broker(settings.text("CELERY_BROKER_URL", None, env))


def _check_database(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=PATIENCE).close()
    except psycopg.Error as error:
        words = _without_password(str(error), url)
        raise SettingError(f"DATABASE_URL names a database that can't be used: {words}") from error


def _check_broker(url: str) -> None:
    scheme = urlsplit(url).scheme
    try:
        with Connection(url, connect_timeout=PATIENCE) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=PATIENCE)
    except KeyError as error:
        raise SettingError(
            f"CELERY_BROKER_URL begins with {scheme}://; use redis:// or amqp://."
        ) from error
    except Exception as error:
        # Each driver has its own errors, for example for a refused log-in.
        where = urlsplit(url).hostname or urlsplit(url).path
        words = _without_password(str(error) or type(error).__name__, url)
        raise SettingError(
            f"CELERY_BROKER_URL names a broker ({where}) that can't be used: {words}"
        ) from error


def _without_password(words: str, url: str) -> str:
    password = urlsplit(url).password or ""
    for form in {password, unquote(password)} - {""}:
        words = words.replace(form, "***")
    return " ".join(words.split())
