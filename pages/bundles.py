"""The built files of the front end: maps a bundle's name to its hashed files.

`frontend/build.mjs` writes the files and `manifest.json`:
{"bundles": {"app.js": {"js": "app-X.js", "css": "app-Y.css"}, ...},
 "icons": {"file": "icons-Z.svg", "names": [...]}}.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

MANIFEST = Path(settings.ROOT) / "frontend" / "dist" / "manifest.json"


@lru_cache(maxsize=2)
def _read(changed_at: float) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(MANIFEST.read_text(encoding="utf-8"))
    return manifest


# The web server serves only the files that existed when it started, so it keeps that manifest.
@lru_cache(maxsize=1)
def _at_start() -> float:
    return MANIFEST.stat().st_mtime


def manifest() -> dict[str, Any]:
    """The manifest. Raises ImproperlyConfigured if the front end isn't built."""
    try:
        return _read(MANIFEST.stat().st_mtime if settings.DEBUG else _at_start())
    except FileNotFoundError as error:
        raise ImproperlyConfigured(
            "The front end is not built: run `npm ci && npm run build` in frontend/."
        ) from error


def bundle(name: str) -> dict[str, str]:
    """The files of a bundle: {"js": file, "css": file}; raises KeyError for an unknown name."""
    files: dict[str, str] = manifest()["bundles"][name]
    return files
