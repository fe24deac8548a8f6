import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary directory that an unprivileged PostgreSQL may enter; pytest's are private."""
    path = Path(tempfile.mkdtemp(prefix="yanshu-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)
