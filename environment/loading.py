"""The environment that the settings are read from.

Every program reads the settings file: .env in the checkout, or the file that YANSHU_SETTINGS names.
Commands beside a running `up` also read the settings that `up` wrote to
<state directory>/environment. Variables of the environment itself win.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from environment import envfile
from environment import readers as settings
from environment.readers import SettingError

ROOT = Path(__file__).resolve().parent.parent
# Commands that only read their input. They start without servers and without a secret.
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
    """The operator's settings file."""
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
    """Each program calls it before it imports the settings. Exits with a sentence if they can't be
    loaded."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        load(command=command)
    except SettingError as error:
        sys.exit(f"Yanshu can't start: {error}")
