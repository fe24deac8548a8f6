"""The site as WSGI; config.asgi serves it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()

from pages.interruptions import limit_queries  # noqa: E402 - settings and apps are ready only now
from pages.tables import limit_counts  # noqa: E402

# Milliseconds. A page comes within 200; its number may be an estimate.
LONGEST_COUNT = 150

limit_queries(settings.QUERY_SECONDS)
limit_counts(LONGEST_COUNT)


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Removes the charset from Content-Type, so that texts are read as UTF-8. With a charset such
    as "hex" Django could not read the query, and would not answer at all."""
    if "charset" in (given := environ.get("CONTENT_TYPE", "").lower()):
        kind, *options = environ["CONTENT_TYPE"].split(";")
        kept = [one for one in options if one.lstrip()[:9].lower() == "boundary="]
        environ["CONTENT_TYPE"] = ";".join([kind, *kept]) if "multipart/" in given else kind
    return _django(environ, start)
