"""Presets fit a relay, speak both languages, and are offered in their order."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.utils import translation

from relays.models import Relay, Security
from relays.providers.presets import FILLS, Preset, presets


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.key)
def test_a_preset_fits_a_relay(preset: Preset) -> None:
    values = preset.values()
    assert set(values) == set(FILLS)
    Relay(**values)
    assert preset.security in Security.values
    assert preset.envelope in Relay.Envelope.values


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.key)
def test_a_preset_speaks_both_languages(preset: Preset) -> None:
    with translation.override("en"):
        english = (preset.name, preset.notes, preset.login)
    with translation.override("zh-hans"):
        chinese = (preset.name, preset.notes, preset.login)
    assert all(english)
    assert all(chinese)
    assert english[1] != chinese[1]
    assert english[2] != chinese[2]
    # Chinese is written with its own punctuation.
    assert not any(sign in preset.notes for sign in ("。 ", " 。"))


def test_they_are_offered_in_groups(owner_client: Client, url: Callable[..., str]) -> None:
    page = owner_client.get(url("new_relay")).content.decode()
    services = ["Amazon SES", "SendGrid", "Mailgun", "Postmark", "Brevo", "DirectMail"]
    services += ["Tencent Cloud SES", "SendCloud", "AokSend"]
    own = ["Made for campaigns", *services, "A server of your own (Postfix"]
    office = ["Mailboxes for people", "Tencent Exmail", "NetEase business mail", "Google Workspace"]
    places = [page.index(words) for words in (*own, *office, "Outlook / Microsoft 365")]
    assert places == sorted(places)


def test_providers_of_china_want_the_address_that_logs_in() -> None:
    known = presets()
    for key in ("aliyun", "tencent", "exmail", "qiye163"):
        assert known[key].own_address
        assert known[key].envelope == Relay.Envelope.FROM
    assert known["aliyun"].per_day == 2000
    assert known["own"].envelope == Relay.Envelope.VERP
