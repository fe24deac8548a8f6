"""Each program reads the same file of settings: manage.py, the web server, Celery."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = {
    "manage.py": (str(ROOT / "manage.py"), "shell", "--no-imports", "-c", "{code}"),
    "wsgi": ("-c", "import config.wsgi; {code}"),
    "celery": ("-c", "from config.celery import app; app.conf.task_routes; {code}"),
}
CODE = "from django.conf import settings; print(settings.DEFAULT_FROM_EMAIL)"
FILE = """# as an operator has it
YANSHU_SECRET_KEY=0123456789012345678901234567890123456789
DATABASE_URL=postgresql://me:p%25s@127.0.0.1:1/none
CELERY_BROKER_URL=redis://127.0.0.1:1/0
YANSHU_FROM_EMAIL='Brand <brand@example.com>'
"""


def run(program: str, settings: Path, **env: str) -> subprocess.CompletedProcess[str]:
    plain = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("YANSHU_", "DJANGO_", "CELERY_")) and name != "DATABASE_URL"
    }
    command = (sys.executable, *(word.format(code=CODE) for word in PROGRAMS[program]))
    return subprocess.run(
        command,
        cwd=ROOT,
        env=plain | {"YANSHU_SETTINGS": str(settings)} | env,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_file_is_read(tmp_path: Path, program: str) -> None:
    (tmp_path / "env").write_text(FILE)
    done = run(program, tmp_path / "env")
    assert done.stdout.splitlines()[-1:] == ["Brand <brand@example.com>"], done.stderr
    # The environment comes first.
    done = run(program, tmp_path / "env", YANSHU_FROM_EMAIL="other@example.com")
    assert done.stdout.splitlines()[-1:] == ["other@example.com"], done.stderr


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_line_that_is_wrong_stops_the_start(tmp_path: Path, program: str) -> None:
    (tmp_path / "env").write_text(FILE + "EMAIL_URL=smtp://me:a b@mail.example.com\n")
    done = run(program, tmp_path / "env")
    assert done.returncode != 0
    assert "Yanshu can't start: " in done.stderr
    assert "line 6: EMAIL_URL needs single quotes" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_named_and_not_there(tmp_path: Path) -> None:
    done = run("wsgi", tmp_path / "none")
    assert "YANSHU_SETTINGS is " in done.stderr
