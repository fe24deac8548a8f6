"""Bounces that a provider reports as JSON: Amazon SES by way of SNS. Pure.

{"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
{"emailAddress": …, "action": …, "status": …, "diagnosticCode": …}]}}, often as the text of
"Message" in another object, and followed by words for people.
"""

import json
from typing import Any

from sending.dsn.parts import clean
from sending.dsn.status import MOST_RECIPIENTS, Failed


def recipients(text: str) -> list[Failed]:
    """The recipients of the first notification in the text; none if it can't be read."""
    given = _object(text[text.find("{") :])
    if isinstance(given.get("Message"), str):
        given = _object(given["Message"])
    bounce = given.get("bounce")
    people = bounce.get("bouncedRecipients") if isinstance(bounce, dict) else None
    if not isinstance(people, list):
        return []
    return [_failed(one) for one in people[:MOST_RECIPIENTS] if isinstance(one, dict)]


def _object(text: str) -> dict[str, Any]:
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _failed(one: dict[str, Any]) -> Failed:
    def value(name: str) -> str:
        given = one.get(name)
        return clean(given) if isinstance(given, str) else ""

    words = value("diagnosticCode")
    return Failed(
        address=value("emailAddress"),
        action=value("action").lower(),
        status=value("status"),
        diagnostic=words.removeprefix("smtp;").strip(),
    )
