"""Patterns: what is one, what is refused, and what they match in the database."""

import pytest
from django.db import connection

from contacts import patterns
from contacts.patterns import PatternError, read


@pytest.mark.parametrize(
    ("typed", "text", "domain"),
    [
        ("noreply*@*", "noreply*@*", ""),
        (" NoReply*＠* ", "noreply*@*", ""),
        ("*@*.example.com", "*@*.example.com", ""),
        ("*.Example.com", "*@*.example.com", ""),
        ("**@***.example.com", "*@*.example.com", ""),
        ("*@example.com", "*@example.com", "example.com"),
        ("*@bücher.example", "*@xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("*@*.bücher.example", "*@*.xn--bcher-kva.example", ""),
        ("sales+*@mail-*.example", "sales+*@mail-*.example", ""),
        ("*@*.ru", "*@*.ru", ""),
    ],
)
def test_patterns(typed: str, text: str, domain: str) -> None:
    found = read(typed)
    assert (found.text, found.domain) == (text, domain)
    assert patterns.is_pattern(typed)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("*", "everybody"),
        ("*@*", "everybody"),
        ("*@*.*", "everybody"),
        ("*a*@*", "everybody"),
        ("*@.example.*", "dots"),
        ("*@*..com", "dots"),
        ("a*b*c*d*@*", "asterisks"),
        ("a@b@*.com", "several_at"),
        ("(a|b)*@example.com", "local"),
        ("a b*@example.com", "local"),
        ("王*@example.com", "local"),
        ("@*.example.com", "local"),
        ("a*@[a-z]+.com", "domain"),
        ("*@*bücher.example", "domain"),
        ("noreply*@", "domain"),
        ("*" + "x" * 260 + "@example.com", "long"),
    ],
)
def test_refused(typed: str, reason: str) -> None:
    with pytest.raises(PatternError) as error:
        read(typed)
    assert error.value.reason == reason
    assert str(error.value).endswith((".", ")"))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("pattern", "matched"),
    [
        ("noreply*@*", {"noreply@a.example", "noreply-2@b.example"}),
        ("*@*.example", {"noreply@a.example", "noreply-2@b.example", "no_reply@a.example"}),
        ("no_reply@*", {"no_reply@a.example"}),
        ("100%*@*", {"100%off@shop.test"}),
        ("*@shop.t*t", {"100%off@shop.test"}),
    ],
)
def test_only_an_asterisk_is_special(pattern: str, matched: set[str]) -> None:
    emails = [
        *("noreply@a.example", "noreply-2@b.example", "no_reply@a.example"),
        *("100%off@shop.test", "100off@shop.testing", "noxreply@a.examples"),
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT email FROM unnest(%s::text[]) AS given (email) WHERE email LIKE %s",
            [emails, read(pattern).like_text],
        )
        assert {email for (email,) in cursor.fetchall()} == matched
