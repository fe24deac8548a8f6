"""The settings that `manage.py up` adds to the environment, and saves for other commands
(environment.loading)."""

import os
import secrets
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from environment import envfile
from environment import readers as settings
from environment.loading import ROOT, given
from environment.ports import address, kept_port
from environment.readers import SettingError


def complete(env: dict[str, str], *, var: Path, host: str, port: int) -> dict[str, str]:
    """`env` with defaults for settings that a newcomer doesn't set. The URLs of the embedded
    servers are added later."""
    embedded = not given("DATABASE_URL", env)
    added = {
        "YANSHU_VAR": str(var),
        "YANSHU_URL": address(host, port),
        # The sandbox is for trying Yanshu out. With the operator's own database it is off.
        "YANSHU_SANDBOX": "1" if embedded else "0",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
    }
    # Without a cache, compiling takes three quarters of each program's start. Beside the source it
    # is there already, for the packages at least.
    if not os.access(ROOT, os.W_OK):
        added["PYTHONPYCACHEPREFIX"] = str(var / "pycache")
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


def save(env: dict[str, str], *, var: Path, before: Mapping[str, str]) -> None:
    """Writes the added settings to a file, for environment.loading.load."""
    added = {name: value for name, value in env.items() if before.get(name) != value}
    path = var / "environment"
    path.touch(mode=0o600)
    path.write_text("".join(envfile.line(name, value) for name, value in sorted(added.items())))


def check_settings(env: dict[str, str]) -> None:
    """Raises SettingError if the settings can't be used."""
    unknown = {"DATABASE_URL": "postgresql://u@h/d", "CELERY_BROKER_URL": "redis://h"}
    missing = {name: value for name, value in unknown.items() if not given(name, env)}
    os.environ.update(env | missing)
    try:
        import_module("config.settings")
    except SystemExit as stop:
        # config.settings raises SystemExit from a SettingError.
        if isinstance(stop.__cause__, SettingError):
            raise stop.__cause__ from None
        raise
    finally:
        for name in missing:
            del os.environ[name]


def _secret_key(var: Path) -> Path:
    path = var / "secret-key"
    if not path.exists():
        half = path.with_suffix(".half")
        half.touch(mode=0o600)
        half.write_text(secrets.token_urlsafe(48))
        half.replace(path)
    return path
