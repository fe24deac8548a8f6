"""Whether a mail names addresses that laws ask for: checks.names_postal_address and
names_email_address."""

import pytest

from designs.checks import MailSource, names_email_address, names_postal_address

ADDRESS = "雁书 Ltd, 1 Main Street,\r\n10115 Berlin"
LINK = '<a href="{{ unsubscribe_url }}">leave</a>'


def mail(html: str = "", text: str = "") -> MailSource:
    return MailSource(subject="1 Main Street, 10115 Berlin news@x.example", html=html, text=text)


@pytest.mark.parametrize(
    "body",
    [
        "<p>{{ workspace.address }}</p>",
        "<p>{{ workspace.address|default('-') }}</p>",
        "<p>{% if x %}{{ workspace.address }}{% endif %}</p>",
        "<p>雁书 Ltd · 1 Main Street<br>10115 BERLIN</p>",
    ],
)
def test_a_postal_address_is_found(body: str) -> None:
    assert names_postal_address(mail(body + LINK), ADDRESS)
    assert names_postal_address(mail(text=body.replace("<br>", "\n")), ADDRESS)


@pytest.mark.parametrize(
    "body",
    ["", "<p>{{ address }}</p>", "<p>{{ workspace.name }}</p>", "<p>1 Main Street</p>", "{% if %}"],
)
def test_a_missing_postal_address_is_noticed(body: str) -> None:
    assert not names_postal_address(mail(body + LINK), ADDRESS)


@pytest.mark.parametrize(
    ("body", "address", "found"),
    [
        ("<p>Write to help@brand.example.</p>", "", True),
        ('<a href="mailto:help@brand.example">Write</a>', "", True),
        ("<p>{{ workspace.address }}</p>", "1 Street, help@brand.example", True),
        ("<p>{{ workspace.address }}</p>", ADDRESS, False),
        ("<p>Follow @brand, {{ email }}</p>", "help@brand.example", False),
        ('<a href="https://x.example/@user">Profile</a>', "", False),
    ],
)
def test_an_email_address_is_found(body: str, address: str, found: bool) -> None:
    assert names_email_address(mail(body + LINK), address) == found


def test_hostile_designs_take_no_time() -> None:
    body = "<" * 3_000 + "a@" * 50_000
    assert not names_email_address(mail(body), "")
    assert not names_postal_address(mail("{{ " * 5_000), ADDRESS)
