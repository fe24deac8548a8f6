"""Mails that come back, made for one message of ours."""

from sending.compose import tokens

BOUNDARY = "part-of-this-report"


def original(message_id: int, recipient: str) -> str:
    """The headers of the mail that was sent (sending.compose.mime)."""
    token = tokens.make(message_id)
    return (
        "From: Brand <news@brand.example>\r\n"
        f"To: {recipient}\r\n"
        "Subject: Hello\r\n"
        f"Message-ID: <{token}@brand.example>\r\n"
        f"List-Unsubscribe: <http://127.0.0.1:8000/e/u/{token}>\r\n"
        f"X-Yanshu-Message: {token}\r\n"
    )


def dsn(
    recipient: str,
    *,
    to: str = "bounces@brand.example",
    action: str = "failed",
    status: str = "5.1.1",
    words: str = "550 5.1.1 No such user here",
    returned: str = "",
) -> bytes:
    """A delivery status notification (RFC 3464) that came to the address `to`."""
    return (
        "Return-Path: <>\r\n"
        f"Delivered-To: {to}\r\n"
        "From: Mail Delivery System <MAILER-DAEMON@mx.receiver.example>\r\n"
        f"To: {to}\r\n"
        "Subject: Your mail could not be delivered\r\n"
        "MIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status;"
        f' boundary="{BOUNDARY}"\r\n'
        "\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "\r\n"
        f"The mail to <{recipient}> stays undelivered: {words}\r\n"
        "\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: message/delivery-status\r\n"
        "\r\n"
        "Reporting-MTA: dns; mx.receiver.example\r\n"
        "\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\n"
        f"Action: {action}\r\n"
        f"Status: {status}\r\n"
        f"Diagnostic-Code: smtp; {words}\r\n"
        "\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: text/rfc822-headers\r\n"
        "\r\n"
        f"{returned}\r\n"
        f"--{BOUNDARY}--\r\n"
    ).encode()


def complaint(recipient: str, returned: str) -> bytes:
    """An abuse report (RFC 5965)."""
    return (
        "From: feedback@receiver.example\r\n"
        "To: bounces@brand.example\r\n"
        "Subject: Report\r\n"
        "Content-Type: multipart/report; report-type=feedback-report;"
        f' boundary="{BOUNDARY}"\r\n'
        "\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: text/plain\r\n"
        "\r\n"
        "A person marked this mail as unwanted.\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: message/feedback-report\r\n"
        "\r\n"
        "Feedback-Type: abuse\r\n"
        "User-Agent: Receiver/1.0\r\n"
        f"Original-Rcpt-To: {recipient}\r\n"
        "\r\n"
        f"--{BOUNDARY}\r\n"
        "Content-Type: message/rfc822\r\n"
        "\r\n"
        f"{returned}\r\n"
        "Hello\r\n"
        f"--{BOUNDARY}--\r\n"
    ).encode()


def out_of_office(to: str) -> bytes:
    return (
        "From: Anna <anna@receiver.example>\r\n"
        f"To: {to}\r\n"
        "Subject: Out of office: Hello\r\n"
        "Auto-Submitted: auto-replied\r\n"
        "\r\n"
        "I am back on Monday.\r\n"
    ).encode()


LETTER = (
    b"From: A person <person@elsewhere.example>\r\n"
    b"To: bounces@brand.example\r\n"
    b"Subject: Lunch on Friday?\r\n"
    b"\r\n"
    b"Shall we?\r\n"
)
