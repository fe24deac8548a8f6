"""What `manage.py up` adds to the environment; tests.quickstart.test_up sees it at work."""

import os
from pathlib import Path

import pytest

from quickstart import additions


@pytest.mark.parametrize("writable", [True, False])
def test_what_python_compiled_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, writable: bool
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: writable)
    given = {"PYTHONDONTWRITEBYTECODE": "1", "YANSHU_SANDBOX": "0"}
    env = additions.complete(given, var=tmp_path, host="127.0.0.1", port=1)
    assert "PYTHONDONTWRITEBYTECODE" not in env
    kept = None if writable else str(tmp_path / "pycache")
    assert env.get("PYTHONPYCACHEPREFIX") == kept
