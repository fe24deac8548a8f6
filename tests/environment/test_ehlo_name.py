"""YANSHU_EHLO_NAME: what relays are greeted with."""

import pytest

from environment import readers


@pytest.mark.parametrize(
    ("given", "url", "said"),
    [
        ("", "https://mail.brand.example", "mail.brand.example"),
        ("", "https://Mail.Brand.example.:8443/x", "mail.brand.example"),
        ("", "https://邮件.example", "xn--5nq051n.example"),
        # Names that others don't know, and addresses: the connection's own address is said.
        ("", "http://127.0.0.1:8000", ""),
        ("", "http://192.0.2.1", ""),
        ("", "http://[2001:db8::1]:8000", ""),
        ("", "http://localhost:8000", ""),
        ("", "http://yanshu", ""),
        ("", "http://4f2a81c0d3e7", ""),
        ("", "http://yanshu.local", ""),
        ("", "http://web.corp.internal", ""),
        ("", "http://localhost.localdomain", ""),
        ("", "http://my_host.example", ""),
        ("", "", ""),
        ("mail.brand.example", "http://127.0.0.1", "mail.brand.example"),
        (" Mail.Brand.Example. ", "http://127.0.0.1", "mail.brand.example"),
        # A person may know it better.
        ("mx.corp.internal", "http://127.0.0.1", "mx.corp.internal"),
        ("[192.0.2.1]", "https://mail.brand.example", "[192.0.2.1]"),
        ("[ipv6:2001:DB8:0::1]", "https://mail.brand.example", "[IPv6:2001:db8::1]"),
    ],
)
def test_what_is_said(given: str, url: str, said: str) -> None:
    assert readers.ehlo_name("YANSHU_EHLO_NAME", url, {"YANSHU_EHLO_NAME": given}) == said


@pytest.mark.parametrize(
    "given",
    [
        *("localhost", "localhost.localdomain", "yanshu", "192.0.2.1", "[localhost]", "[192.0.2]"),
        *("[2001:db8::1]", "mail.example.com:25", "https://mail.example.com", "mail example.com"),
        *("-mail.example.com", "mail..example.com", "mail.example.com\r\nRSET", "a" * 300 + ".com"),
        *("foo.localhost", "10.0.0.1.", "_x.example.com"),
    ],
)
def test_a_wrong_one_stops_the_start(given: str) -> None:
    with pytest.raises(readers.SettingError) as caught:
        readers.ehlo_name("YANSHU_EHLO_NAME", "https://x.example", {"YANSHU_EHLO_NAME": given})
    assert "YANSHU_EHLO_NAME is " in str(caught.value)
    assert "such as mail.example.com" in str(caught.value)
