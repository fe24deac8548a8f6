"""What a provider reports as JSON: Amazon SES, by way of SNS or alone. Pure.

{"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [
{"emailAddress": ..., "action": ..., "status": ..., "diagnosticCode": ...}]}, "mail": {...}},
often as the text of "Message" in another object, and followed by words for people. Event
publishing writes "eventType" instead. Source:
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

import json
from dataclasses import dataclass, field
from typing import Any

from bounces.reading.parts import Headers, clean
from bounces.reading.report import ReportKind
from bounces.reading.status import MOST_RECIPIENTS, Failed, address_of

# The object of each type, and the list of its recipients.
TYPES = {
    "bounce": ("bounce", "bouncedRecipients"),
    "complaint": ("complaint", "complainedRecipients"),
    "delivery": ("delivery", "recipients"),
    "deliverydelay": ("deliveryDelay", "delayedRecipients"),
}
# Subtypes by which SES says that the address itself is at fault.
GONE = {"NoEmail", "Suppressed", "OnAccountSuppressionList"}
BLOCKED = {"ContentRejected", "AttachmentRejected"}
# Not spam after all, in a feedback report.
HARMLESS = {"not-spam", "auth-failure"}
MOST_HEADERS = 200


@dataclass(slots=True)
class Told:
    recipients: list[Failed]
    # Of the message that it is about, where the provider is asked to include them.
    headers: Headers = field(default_factory=Headers)


def read(text: str) -> Told | None:
    """The first notification in the text; None for none."""
    if not any(name in text for name in ("notificationType", "eventType")):
        return None
    given = _object(text[text.find("{") :])
    if isinstance(given.get("Message"), str):
        given = _object(given["Message"])
    kind = str(given.get("notificationType") or given.get("eventType") or "")
    name, people = TYPES.get(kind.lower().replace(" ", ""), ("", ""))
    body = given.get(name)
    if not isinstance(body, dict) or not isinstance(rows := body.get(people), list):
        return None
    failed = [_failed(one, name, body) for one in rows[:MOST_RECIPIENTS]]
    return Told([one for one in failed if one.address], _headers(given.get("mail")))


def _object(text: str) -> dict[str, Any]:
    try:
        found, _ = json.JSONDecoder(strict=False).raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _failed(one: Any, name: str, body: dict[str, Any]) -> Failed:
    # A delivery lists bare addresses.
    row = one if isinstance(one, dict) else {"emailAddress": one}
    words = _text(row, "diagnosticCode")
    action = "delayed" if name == "deliveryDelay" else _text(row, "action").lower()
    return Failed(
        # As a header has it: with a name, where the mail was sent to one.
        address=address_of(_text(row, "emailAddress")),
        action="delivered" if name == "delivery" else action,
        status=_text(row, "status"),
        diagnostic=words.partition(";")[2].strip() if words[:5].lower() == "smtp;" else words,
        kind=_kind(name, body),
    )


def _kind(name: str, body: dict[str, Any]) -> str:
    """What SES itself says; "" where it leaves that open."""
    if name == "complaint":
        harmless = _text(body, "complaintFeedbackType").lower() in HARMLESS
        return ReportKind.OTHER if harmless else ReportKind.COMPLAINED
    if name != "bounce":
        return ""
    subtype = _text(body, "bounceSubType")
    if subtype in BLOCKED:
        return ReportKind.BLOCKED
    if _text(body, "bounceType").lower() == "permanent":
        return ReportKind.HARD_BOUNCED if subtype in GONE else ""
    return ReportKind.SOFT_BOUNCED


def _headers(mail: Any) -> Headers:
    found = Headers()
    rows = mail.get("headers") if isinstance(mail, dict) else None
    for row in rows[:MOST_HEADERS] if isinstance(rows, list) else ():
        if isinstance(row, dict) and (name := _text(row, "name")):
            found.setdefault(name.lower(), []).append(_text(row, "value"))
    return found


def _text(row: dict[str, Any], name: str) -> str:
    given = row.get(name)
    return clean(given)[:2000] if isinstance(given, str) else ""
