"""The environment that the settings are read from: what is given, and what `up` adds.

Every program reads the file of settings: .env in the checkout, or the one that YANSHU_SETTINGS
names. Commands beside a running `up` also read what it added from <state directory>/environment.
What is set in the environment itself comes first.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
from kombu import Connection

from environment import envfile
from environment import variables as settings
from environment.ports import address, kept_port
from environment.variables import SettingError

ROOT = Path(__file__).resolve().parent.parent
# Seconds to wait for a server that a setting names.
PATIENCE = 5
# Commands that only read what they are given: they start without servers and without a secret.
ALONE = {"explain_reply", "read_bounces"}
NOWHERE = {
    "YANSHU_SECRET_KEY": "not used",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
}


def state_directory(env: Mapping[str, str]) -> Path:
    return Path(settings.text("YANSHU_VAR", str(ROOT / "var"), env)).absolute()


def given(name: str, env: Mapping[str, str]) -> bool:
    return bool(env.get(name) or env.get(f"{name}_FILE"))


def settings_file(env: Mapping[str, str]) -> Path:
    """The file of settings that an operator keeps."""
    named = env.get("YANSHU_SETTINGS")
    if named and not Path(named).exists():
        raise SettingError(f"YANSHU_SETTINGS is {named}, and there is no such file.")
    return Path(named) if named else ROOT / ".env"


def load(*, command: str = "") -> None:
    """Completes os.environ for a command of manage.py, the web server or Celery."""
    found = envfile.read(settings_file(os.environ))
    if command != "up" and not given("DATABASE_URL", found | os.environ):
        found = envfile.read(state_directory(found | os.environ) / "environment") | found
    for name, value in found.items():
        os.environ.setdefault(name, value)
    for name, value in NOWHERE.items() if command in ALONE else ():
        if not given(name, os.environ):
            os.environ[name] = value


def prepare(*, command: str = "") -> None:
    """What each program does before its settings are read; ends it if they can't be."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        load(command=command)
    except SettingError as error:
        sys.exit(f"Yanshu can't start: {error}")


def complete(env: dict[str, str], *, var: Path, host: str, port: int) -> dict[str, str]:
    """`env` with what a newcomer doesn't set; without the embedded servers' URLs."""
    embedded = not given("DATABASE_URL", env)
    added = {
        "YANSHU_VAR": str(var),
        "YANSHU_URL": address(host, port),
        # The sandbox is for those who try Yanshu out; with a database of one's own it's off.
        "YANSHU_SANDBOX": "1" if embedded else "0",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
        # Half of each part's start is compiling, where the compiled is not kept.
        "PYTHONPYCACHEPREFIX": str(var / "pycache"),
    }
    if not given("YANSHU_SECRET_KEY", env):
        added["YANSHU_SECRET_KEY_FILE"] = str(_secret_key(var))
    if settings.boolean("YANSHU_SANDBOX", default=embedded, env=env):
        for name, wanted in (("SMTP", 8025), ("IMAP", 8143)):
            key = f"YANSHU_SANDBOX_{name}_PORT"
            if key not in env:
                added[key] = str(kept_port(var / f"sandbox-{name.lower()}-port", wanted))
    completed = added | env
    completed.pop("PYTHONDONTWRITEBYTECODE", None)
    return completed


def check(env: dict[str, str]) -> None:
    """SettingError if the settings can't be used, or a server that they name doesn't answer."""
    unknown = {"DATABASE_URL": "postgresql://u@h/d", "CELERY_BROKER_URL": "redis://h"}
    missing = {name: value for name, value in unknown.items() if not given(name, env)}
    os.environ.update(env | missing)
    try:
        import_module("config.settings")
    except SystemExit as stop:
        # The settings end a program by a SettingError, which they raise the exit from.
        if isinstance(stop.__cause__, SettingError):
            raise stop.__cause__ from None
        raise
    finally:
        for name in missing:
            del os.environ[name]
    if given("DATABASE_URL", env):
        _check_database(settings.text("DATABASE_URL", None, env))
    if given("CELERY_BROKER_URL", env):
        _check_broker(settings.text("CELERY_BROKER_URL", None, env))


def save(env: dict[str, str], *, var: Path, before: Mapping[str, str]) -> None:
    """Writes what was added, for `load`."""
    added = {name: value for name, value in env.items() if before.get(name) != value}
    path = var / "environment"
    path.touch(mode=0o600)
    path.write_text("".join(envfile.line(name, value) for name, value in sorted(added.items())))


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
        # Each driver has errors of its own, of a log-in that is refused for one.
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


def _secret_key(var: Path) -> Path:
    path = var / "secret-key"
    if not path.exists():
        half = path.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_text(secrets.token_urlsafe(48))
        half.replace(path)
    return path
