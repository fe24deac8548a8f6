"""Folder names: as people type them, and as servers want them."""

import pytest

from bounces.imap.folders import Namespace, parents, same, to_find, to_make

COURIER = Namespace("INBOX.", ".")
DOVECOT = Namespace("", ".")
GMAIL = Namespace("", "/")
EXCHANGE = Namespace("", "/")
FLAT = Namespace("", "")
WEBMAIL = Namespace("mail/", "/")


@pytest.mark.parametrize(
    ("typed", "space", "name"),
    [
        ("Yanshu", COURIER, "INBOX.Yanshu"),
        ("Yanshu/Done", COURIER, "INBOX.Yanshu.Done"),
        ("/Yanshu/Done/", COURIER, "INBOX.Yanshu.Done"),
        ("Yanshu//Done", COURIER, "INBOX.Yanshu.Done"),
        ("Inbox/Yanshu", COURIER, "INBOX.Yanshu"),
        ("INBOX.Yanshu", COURIER, "INBOX.Yanshu"),
        ("Inboxes", COURIER, "INBOX.Inboxes"),
        ("Yanshu/Done", DOVECOT, "Yanshu.Done"),
        ("Yanshu/Done", GMAIL, "Yanshu/Done"),
        ("Yanshu.Done", GMAIL, "Yanshu.Done"),
        ("退信/已处理", COURIER, "INBOX.退信.已处理"),
        ("Yanshu/Done", FLAT, "Yanshu/Done"),
        ("Yanshu", WEBMAIL, "mail/Yanshu"),
        ("mail/Yanshu", WEBMAIL, "mail/Yanshu"),
    ],
)
def test_the_name_to_make(typed: str, space: Namespace, name: str) -> None:
    assert to_make(typed, space)[0] == name
    assert name in to_find(typed, space)


def test_a_folder_by_the_name_that_was_typed_comes_first() -> None:
    assert to_find("Yanshu/Done", COURIER)[0] == "Yanshu/Done"


def test_without_a_prefix_the_inbox_is_tried_at_last() -> None:
    assert to_make("Yanshu", DOVECOT) == ["Yanshu", "INBOX.Yanshu"]


def test_the_inbox_is_never_made() -> None:
    for space in (COURIER, DOVECOT, GMAIL, FLAT):
        assert to_make("inbox", space) == []
        assert "INBOX" in to_find("inbox", space)
    assert to_make(" ", COURIER) == []


def test_a_name_in_modified_utf7_is_understood() -> None:
    assert "退信" in to_find("&kABP4Q-", GMAIL)
    assert to_find("R&D", GMAIL) == ["R&D", "INBOX/R&D"]
    assert to_find("&&&-", GMAIL)


def test_levels_above() -> None:
    assert parents("INBOX.Yanshu.Done", COURIER) == ["INBOX.Yanshu"]
    assert parents("a/b/c", GMAIL) == ["a", "a/b"]
    assert parents("a/b", FLAT) == []
    assert len(parents("/".join("a" * 5000), GMAIL)) < 100


def test_inbox_in_any_letters() -> None:
    assert same("inbox", "INBOX")
    assert same("Inbox.x", "INBOX.x")
    assert not same("inboxes", "INBOXes")
    assert not same("Yanshu", "yanshu")
