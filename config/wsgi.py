"""The site as WSGI; config.asgi serves it."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
_django = get_wsgi_application()


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Texts are UTF-8, whatever charset a request names: with one such as "hex" Django can't even
    read the query, and answers nothing at all."""
    if "charset" in (given := environ.get("CONTENT_TYPE", "").lower()):
        kind, *options = environ["CONTENT_TYPE"].split(";")
        kept = [one for one in options if one.lstrip()[:9].lower() == "boundary="]
        environ["CONTENT_TYPE"] = ";".join([kind, *kept]) if "multipart/" in given else kind
    return _django(environ, start)
