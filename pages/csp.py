"""The Content-Security-Policy of each response. It is strict; decorators loosen it for a view:

    @csp.policy(frame_ancestors=["'self'"])            # replaces single directives
    @csp.only(img_src=["*", "data:"], sandbox=[])      # default-src 'none' and nothing else

A response that may be framed is also exempt from X-Frame-Options.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any, ParamSpec

from django.http import HttpRequest, HttpResponseBase

P = ParamSpec("P")
Directives = Mapping[str, Sequence[str]]
View = Callable[P, HttpResponseBase]

SELF = "'self'"
NONE = "'none'"

STRICT: dict[str, Sequence[str]] = {
    "default_src": (NONE,),
    "script_src": (SELF,),
    "style_src": (SELF,),
    # data: holds the small drawings of Tabler's form controls.
    "img_src": (SELF, "data:"),
    "font_src": (SELF,),
    "connect_src": (SELF,),
    "frame_src": (SELF,),
    "form_action": (SELF,),
    "base_uri": (NONE,),
    "frame_ancestors": (NONE,),
    "object_src": (NONE,),
}


def make_nonce() -> str:
    return secrets.token_urlsafe(16)


def header(directives: Directives, *, nonce: str = "") -> str:
    """The header's value; the nonce, when there is one, allows <style> elements that carry it."""
    parts = []
    for name, sources in directives.items():
        values = list(sources)
        if name == "style_src" and nonce and "'unsafe-inline'" not in values:
            values.append(f"'nonce-{nonce}'")
        parts.append(" ".join([name.replace("_", "-"), *values]))
    return "; ".join(parts)


def _with(directives: Directives) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
        @wraps(view)
        def inside(*args: P.args, **kwargs: P.kwargs) -> Any:
            response = view(*args, **kwargs)
            response.csp_directives = directives
            if NONE not in directives.get("frame_ancestors", (NONE,)):
                response.xframe_options_exempt = True
            return response

        return inside

    return decorate


def policy(**directives: Sequence[str]) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """The strict policy with these directives replaced."""
    return _with({**STRICT, **directives})


def only(**directives: Sequence[str]) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """These directives only: for a document that isn't one of our pages, such as a mail."""
    return _with({"default_src": (NONE,), **directives})


def apply(request: HttpRequest, response: HttpResponseBase) -> None:
    directives = getattr(response, "csp_directives", STRICT)
    nonce = getattr(request, "csp_nonce", "")
    response.headers.setdefault("Content-Security-Policy", header(directives, nonce=nonce))
