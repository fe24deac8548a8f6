"""What is known of providers is complete and fits the relay's own fields."""

import pytest
from django.utils import translation

from relays.models import Relay, Security
from relays.presets import FILLS, Preset, presets


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.key)
def test_a_preset_fits_a_relay(preset: Preset) -> None:
    values = preset.values()
    assert set(values) == set(FILLS)
    Relay(**values)
    assert preset.security in Security.values
    assert preset.envelope in Relay.Envelope.values
    assert 1 <= preset.port <= 65535
    assert preset.connections is None or preset.connections >= 1
    assert preset.url.startswith("https://") or preset.key == "own"
    assert len(preset.key) <= 30


@pytest.mark.parametrize("preset", presets().values(), ids=lambda preset: preset.key)
def test_a_preset_speaks_both_languages(preset: Preset) -> None:
    with translation.override("en"):
        english = (preset.name, preset.notes, preset.login)
    with translation.override("zh-hans"):
        chinese = (preset.name, preset.notes, preset.login)
    assert all(english)
    assert all(chinese)
    assert english[1:] != chinese[1:]
    # Chinese is written with its own punctuation.
    assert not any(sign in preset.notes for sign in ("。 ", " 。"))


def test_providers_of_china_want_the_address_that_logs_in() -> None:
    known = presets()
    for key in ("aliyun", "tencent_ses", "exmail", "qiye163"):
        assert known[key].own_address
        assert known[key].envelope == Relay.Envelope.FROM
    assert known["aliyun"].per_day == 2000
    assert known["own"].envelope == Relay.Envelope.VERP
