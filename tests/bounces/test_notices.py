"""Notices in the words of the common servers, and relays' JSON: what they prove, and what not."""

import json
from typing import Any

import pytest

from bounces.reading import ReportKind, parse

HEAD = (
    "From: MAILER-DAEMON@x.example\nTo: bounces@brand.example\n"
    "Subject: Undelivered Mail Returned to Sender\nContent-Type: text/plain; charset=utf-8\n\n"
)
POSTFIX = """This is the mail system at host r.example.

I'm sorry to have to inform you that your message could not
be delivered to one or more recipients. It's attached below.

For further assistance, please send mail to postmaster.

If you do so, please include this problem report. You can
delete your own text from the attached returned message.

                   The mail system

<a@t.example>: host mx.t.example[192.0.2.1] said: {reply} (in reply to {step} command)
"""
EXCHANGE = """Your message did not reach some or all of the intended recipients.

      Subject:\tHello

The following recipient(s) cannot be reached:

      a@t.example on 11/3/2026 9:10 AM
            The e-mail system was unable to deliver the message, but did not report a specific
reason.  Check the address and try again.  If it still fails, contact your system administrator.
            < mx.t.example #5.0.0 smtp; {reply}>
"""
COURIER = """This is a delivery status notification from mx.r.example,
running the Courier mail server, version 0.65.

The original message was received on Tue, 3 Nov 2026 09:10:11 +0000
from brand.example

                           UNDELIVERABLE MAIL

Your message to the following recipients cannot be delivered:

<a@t.example>:
    mx.t.example [192.0.2.1]:
>>> {step}
<<< {reply}
"""
EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  a@t.example
    host mx.t.example [192.0.2.1]
    SMTP error from remote mail server after {step}:
    {reply}
"""
QMAIL = """Hi. This is the qmail-send program at r.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<a@t.example>:
192.0.2.1 does not like recipient.
Remote host said: {reply}
Giving up on 192.0.2.1.
"""
SENDMAIL = """The original message was received at Tue, 3 Nov 2026 09:10:11 GMT
from brand.example [192.0.2.1]

   ----- The following addresses had permanent fatal errors -----
<a@t.example>
    (reason: {reply})

   ----- Transcript of session follows -----
... while talking to mx.t.example.:
>>> {step}
<<< {reply}
"""
NOTICES = {
    "postfix": POSTFIX,
    "exchange": EXCHANGE,
    "courier": COURIER,
    "exim": EXIM,
    "qmail": QMAIL,
    "sendmail": SENDMAIL,
}


def kind(text: str) -> ReportKind:
    report = parse((HEAD + text).encode())
    assert report.recipients == ("a@t.example",)
    return report.kind


@pytest.mark.parametrize("server", list(NOTICES))
@pytest.mark.parametrize("reply", ["550 Frobnicated", "553 Odd", "554 5.0.0 No", "551 It is so"])
def test_standard_sentences_prove_nothing(server: str, reply: str) -> None:
    assert (
        kind(NOTICES[server].format(reply=reply, step="RCPT TO:<a@t.example>"))
        == ReportKind.SOFT_BOUNCED
    )


@pytest.mark.parametrize("server", list(NOTICES))
def test_plain_words_do(server: str) -> None:
    text = NOTICES[server].format(reply="550 No such user here", step="RCPT TO:<a@t.example>")
    assert kind(text) == ReportKind.HARD_BOUNCED


@pytest.mark.parametrize("server", ["postfix", "courier", "exim", "sendmail"])
def test_a_reply_to_mail_from_is_about_the_sender(server: str) -> None:
    text = NOTICES[server].format(
        reply="550 5.1.1 No such user", step="MAIL FROM:<b@brand.example>"
    )
    assert kind(text) == ReportKind.BLOCKED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<a@t.example>: Domain t.example does not accept mail (nullMX)", ReportKind.HARD_BOUNCED),
        ("  a@t.example\n    Unrouteable address", ReportKind.HARD_BOUNCED),
        ("<a@t.example>: 550 sender domain must exist", ReportKind.BLOCKED),
        ("<a@t.example>: 550 Mailbox disabled", ReportKind.SOFT_BOUNCED),
        ("<a@t.example>: 550 Mailbox unavailable or access denied", ReportKind.SOFT_BOUNCED),
        (
            "To a@t.example: the address wasn\u2019t found.",
            ReportKind.HARD_BOUNCED,
        ),
        (
            "To a@t.example: a wasn't found at t.example.",
            ReportKind.HARD_BOUNCED,
        ),
        # A guess, and advice.
        (
            "Your message to a@t.example failed: the address may not exist.",
            ReportKind.SOFT_BOUNCED,
        ),
        (
            "Your message to a@t.example has NOT been delivered. The user is unknown.",
            ReportKind.HARD_BOUNCED,
        ),
        ("Your message to a@t.example has not yet been delivered.", ReportKind.DELAYED),
        # Behind the reply stands what was sent.
        (
            "To a@t.example: 550 Frobnicated\n\n--- yours ---\nNot for an unknown user.",
            ReportKind.SOFT_BOUNCED,
        ),
        ("收件人：a@t.example\n退信原因：550 收件人邮箱不存在", ReportKind.HARD_BOUNCED),
        ("收件人：a@t.example\n退信原因：550 用户已被停用", ReportKind.SOFT_BOUNCED),
    ],
)
def test_words(text: str, expected: ReportKind) -> None:
    assert kind(text) == expected


SEVERAL = """This is the mail system.

<full@t.example>: host x.t.example said: 552 5.2.2 Mailbox full (in reply to RCPT TO command)

<gone@t.example>: host x.t.example said: 550 5.1.1 User unknown (in reply to RCPT TO command)
"""


def test_each_of_several_recipients() -> None:
    report = parse((HEAD + SEVERAL).encode())
    assert {one.recipient: one.kind for one in report.failures} == {
        "full@t.example": ReportKind.SOFT_BOUNCED,
        "gone@t.example": ReportKind.HARD_BOUNCED,
    }
    assert report.kind == ReportKind.HARD_BOUNCED
    assert report.about("FULL@t.example").kind == ReportKind.SOFT_BOUNCED


# Relays' JSON -------------------------------------------------------------------------------------

PERSON = {"emailAddress": "a@t.example"}
GONE = PERSON | {"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 Unknown"}
SPAM = PERSON | {"action": "failed", "status": "5.7.1", "diagnosticCode": "smtp; 550 5.7.1 Spam"}
ODD = PERSON | {"action": "failed", "status": "5.0.0", "diagnosticCode": "smtp; 550 Frobnicated"}


def bounce(kind: str, subtype: str, person: dict[str, str]) -> dict[str, Any]:
    return {
        "notificationType": "Bounce",
        "bounce": {"bounceType": kind, "bounceSubType": subtype, "bouncedRecipients": [person]},
        "mail": {"headers": [{"name": "X-Yanshu-Message", "value": "token"}]},
    }


TOLD: list[tuple[dict[str, Any], ReportKind]] = [
    (bounce("Permanent", "General", GONE), ReportKind.HARD_BOUNCED),
    (bounce("Permanent", "General", SPAM), ReportKind.BLOCKED),
    (bounce("Permanent", "General", ODD), ReportKind.SOFT_BOUNCED),
    (bounce("Permanent", "NoEmail", PERSON), ReportKind.HARD_BOUNCED),
    (bounce("Permanent", "Suppressed", PERSON), ReportKind.HARD_BOUNCED),
    (bounce("Transient", "General", GONE), ReportKind.SOFT_BOUNCED),
    (bounce("Transient", "MailboxFull", PERSON), ReportKind.SOFT_BOUNCED),
    (bounce("Transient", "ContentRejected", PERSON), ReportKind.BLOCKED),
    (bounce("Undetermined", "Undetermined", PERSON), ReportKind.SOFT_BOUNCED),
    (
        {
            "notificationType": "Complaint",
            "complaint": {"complainedRecipients": [PERSON], "complaintFeedbackType": "abuse"},
        },
        ReportKind.COMPLAINED,
    ),
    (
        {"eventType": "Complaint", "complaint": {"complainedRecipients": [PERSON]}},
        ReportKind.COMPLAINED,
    ),
    (
        {
            "notificationType": "Complaint",
            "complaint": {"complainedRecipients": [PERSON], "complaintFeedbackType": "not-spam"},
        },
        ReportKind.OTHER,
    ),
    (
        {"notificationType": "Delivery", "delivery": {"recipients": ["a@t.example"]}},
        ReportKind.OTHER,
    ),
    (
        {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": [PERSON]}},
        ReportKind.DELAYED,
    ),
]


@pytest.mark.parametrize(("told", "expected"), TOLD)
@pytest.mark.parametrize("sns", [False, True])
def test_what_ses_tells(told: dict[str, Any], expected: ReportKind, *, sns: bool) -> None:
    body = {"Type": "Notification", "Message": json.dumps(told)} if sns else told
    text = (
        f"From: n@cloud.example\nSubject: Notification\n\n{json.dumps(body)}\n\n--\nTo stop, click."
    )
    report = parse(text.encode())
    assert (report.kind, report.recipients) == (expected, ("a@t.example",)), report.why
    if "headers" in told.get("mail", {}):
        assert report.original.tokens == ("token",)


@pytest.mark.parametrize("body", ['{"notificationType": "Bounce"', '{"notificationType": 3}', "[]"])
def test_json_that_can_not_be_read(body: str) -> None:
    assert parse(f"From: n@cloud.example\nSubject: N\n\n{body}".encode()).kind == ReportKind.OTHER
