"""Passwords at rest."""

import pytest
from pytest_django import Settings

from accounts.secrets import SecretError, decrypt, encrypt


def test_what_is_stored_tells_nothing_and_comes_back() -> None:
    stored = encrypt("pa$$wörd 密码")
    assert b"pa$$" not in stored
    assert decrypt(stored) == decrypt(memoryview(stored)) == "pa$$wörd 密码"
    assert encrypt("pa$$wörd 密码") != stored
    assert decrypt(None) == ""


def test_another_key_is_said_in_words(settings: Settings) -> None:
    stored = encrypt("secret")
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key for tests"
    with pytest.raises(SecretError, match="YANSHU_SECRET_KEY has changed"):
        decrypt(stored)
    settings.SECRET_KEY_FALLBACKS = [old]
    assert decrypt(stored) == "secret"
