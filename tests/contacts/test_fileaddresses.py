"""Addresses of files."""

import pytest

from contacts import fileaddresses
from contacts.fileaddresses import FileAddressError


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("https://Shop.Example.com", "https://shop.example.com/"),
        (" https://shop.example.com:443/a.csv#top ", "https://shop.example.com/a.csv"),
        ("https://shop.example.com:8443/a b.csv".replace(" ", "%20"), None),
        ("https://例子.example/名单.csv", "https://xn--fsqu00a.example/%E5%90%8D%E5%8D%95.csv"),
        (
            "https://shop.example.com/100%.csv?a=1%20%zz",
            "https://shop.example.com/100%25.csv?a=1%20%25zz",
        ),
        (
            "sftp://shop.example.com:22/out/名单.csv",
            "sftp://shop.example.com/out/%E5%90%8D%E5%8D%95.csv",
        ),
        (
            "https://shop.example.com/a b/名\u3000单.csv?q=a b",
            "https://shop.example.com/a%20b/%E5%90%8D%E3%80%80%E5%8D%95.csv?q=a%20b",
        ),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
    ],
)
def test_read_and_written(text: str, read: str | None) -> None:
    assert fileaddresses.parse(text).text == (read or text)
    assert fileaddresses.parse(read or text).text == (read or text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "scheme"),
        ("shop.example.com/a.csv", "scheme"),
        ("http://shop.example.com/a.csv", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("https://", "address"),
        ("https://ann:secret@shop.example.com/", "user_in_address"),
        ("https://ann@shop.example.com/", "user_in_address"),
        ("https://shop .example.com/a", "address"),
        ("https://shop.example.com/a\u2028b", "address"),
        ("https://shop.example.com/a\u200bb", "address"),
        ("https://shop.example.com/a\r\nHost: b", "address"),
        ("https://shop.example.com:99999/", "address"),
        ("https://shop.example.com:0/", "address"),
        ("https://[::1/", "address"),
        ("sftp://shop.example.com", "sftp_address"),
        ("sftp://shop.example.com/folder/", "sftp_address"),
        ("sftp://shop.example.com/a?b", "sftp_address"),
        ("https://" + "a" * 70 + "例.example/", "address"),
        ("https://shop.example.com/" + "a" * 2000, "address"),
        ("https://shop.example.com/" + "名" * 500, "address"),
    ],
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises(FileAddressError) as refused:
        fileaddresses.parse(text)
    assert refused.value.code == code


def test_a_query_is_not_shown() -> None:
    address = fileaddresses.parse("https://shop.example.com/a%20b.csv?key=secret")
    assert address.shown == "https://shop.example.com/a%20b.csv?…"
    assert (address.filename, address.place) == ("a b.csv", ("https", "shop.example.com", 443))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("404 Not Found: is it there? no=1", "404 Not Found: is it there? no=1"),
        ("no https://ann:pw@b.example/a?sig=1 there", "no https://b.example/a?… there"),
        ("GET /a.csv?sig=1&x=2 403", "GET /a.csv?… 403"),
        ("a.csv?sig=1", "a.csv?…"),
        ("//b.example/a#token", "//b.example/a#…"),
        ("ssh-ed25519 SHA256:a/b+c", "ssh-ed25519 SHA256:a/b+c"),
    ],
)
def test_words_without_the_secrets_of_addresses(text: str, shown: str) -> None:
    assert fileaddresses.without_secrets(text) == shown


def test_where_a_reply_leads_to() -> None:
    address = fileaddresses.parse("https://shop.example.com/export/a.csv?key=1")
    assert address.redirected("b.csv").text == "https://shop.example.com/export/b.csv"
    assert address.redirected("//b.example/c").text == "https://b.example/c"
    for location in ("http://b.example/", "javascript:alert(1)", "file:///etc/passwd"):
        with pytest.raises(FileAddressError) as refused:
            address.redirected(location)
        assert refused.value.code == "redirect_insecure"
