"""A temporary embedded PostgreSQL with all tables, for a benchmark."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quickstart.postgres import EmbeddedPostgres


@contextmanager
def database() -> Iterator[None]:
    """Sets Django up, and removes the database at the end. PostgreSQL's settings are those of
    `manage.py up` (durable, fsync on)."""
    base = Path(tempfile.mkdtemp(prefix="yanshu-bench-"))
    base.chmod(0o755)  # the unprivileged user that PostgreSQL runs as must get in
    postgres = EmbeddedPostgres(base / "postgres")
    try:
        postgres.start()
        os.environ |= {
            "DATABASE_URL": postgres.url,
            "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
            "YANSHU_VAR": str(base / "var"),
            "YANSHU_SECRET_KEY": "only-for-benchmarks-" + "x" * 40,
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        import django  # noqa: PLC0415 - settings are read from the environment
        from django.core.management import call_command  # noqa: PLC0415

        django.setup()
        call_command("migrate", verbosity=0)
        yield
    finally:
        postgres.stop()
        shutil.rmtree(base, ignore_errors=True)
