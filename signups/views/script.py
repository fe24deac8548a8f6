"""The script of a form for foreign pages: what the form is made of, and the bundle that builds
it."""

import json
from functools import lru_cache

from django.conf import settings
from django.urls import reverse

from pages import bundles
from pages.readers import PARAMETER
from signups.models import SignupForm
from signups.publicform import HONEYPOT, NUMBER, STAMP
from signups.views.incoming import Sent

TYPE = "text/javascript; charset=utf-8"
BUNDLE = "signup.js"
# The bundle takes them from there. JSON is JavaScript (ECMAScript 2019).
SHELL = (
    "(globalThis.yanshuForms??=[]).push([{known},document.currentScript]);(()=>{{{bundle}}})();\n"
)


def made(form: SignupForm, shown: Sent) -> str:
    texts = shown.texts
    known = {
        "url": f"{settings.PUBLIC_URL}{reverse('signup', kwargs={'key': form.key})}"
        f"?{PARAMETER}={texts.reader}",
        "language": texts.reader,
        "direction": shown.direction,
        "title": texts.title,
        "intro": texts.intro,
        "button": texts.button,
        "optional": shown.words("optional"),
        "hidden": {"name": HONEYPOT, "label": shown.words("leave_empty")},
        "stamp": {"name": STAMP, "value": shown.stamp, "number": NUMBER},
        "failed": shown.words("failed"),
        "fields": shown.form.described(),
    }
    return SHELL.format(known=json.dumps(known), bundle=_bundle(bundles.bundle(BUNDLE)["js"]))


@lru_cache(maxsize=2)
def _bundle(file: str) -> str:
    """Its text. It is a module without imports and exports, so that it can be a classic script."""
    return (bundles.MANIFEST.parent / file).read_text(encoding="utf-8")
