import pytest

from designs.plaintext import from_html

SHOP = '<a href="https://a.example/shop">shop</a>'
LEAVE = '<a href="https://a.example/leave">leave</a>'


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (SHOP + LEAVE, "shop (https://a.example/shop) leave (https://a.example/leave)"),
        (f"{SHOP}now", "shop (https://a.example/shop) now"),
        (f"{SHOP}, {LEAVE}.", "shop (https://a.example/shop), leave (https://a.example/leave)."),
        (f"({SHOP})", "(shop (https://a.example/shop))"),
        (f"{SHOP}{{{{ first_name }}}}", "shop (https://a.example/shop) {{ first_name }}"),
    ],
)
def test_the_address_of_a_link_stands_apart_from_what_follows(html: str, text: str) -> None:
    assert from_html(f"<p>{html}</p>") == f"{text}\n"
