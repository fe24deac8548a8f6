"""Tokens of messages in addresses: nobody can make one, and they survive what mail systems do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from relays import verp
from sending.compose import tokens


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_token_names_its_message(number: int) -> None:
    token = tokens.make(number)
    assert tokens.read(token) == tokens.read(token.upper()) == number
    assert len(token) <= 32
    assert tokens.of_sender(verp.address("bounces@brand.example", token)) == number


@given(st.text(max_size=40))
def test_anything_else_is_nobody_s(text: str) -> None:
    assert tokens.read(text) is None


def test_a_changed_token_is_nobody_s() -> None:
    token = tokens.make(123_456)
    for place in range(len(token)):
        other = "0" if token[place] != "0" else "1"
        assert tokens.read(token[:place] + other + token[place + 1 :]) != 123_457


def test_tokens_of_the_old_key_are_read_until_it_is_dropped(settings: Settings) -> None:
    token = tokens.make(7)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another key for tests"
    assert tokens.read(token) is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert tokens.read(token) == 7


@pytest.mark.parametrize("sign", ["+", "=", "-"])
def test_verp_is_read_whatever_sign_the_relay_puts(sign: str) -> None:
    address = f"Bounces{sign}{tokens.make(9).upper()}@Brand.example"
    assert tokens.of_sender(address) == 9
    assert tokens.of_sender("bounces@brand.example") is None


def test_the_local_part_fits() -> None:
    address = verp.address("bounces@brand.example", tokens.make(2**40))
    assert len(address.partition("@")[0]) <= 64
