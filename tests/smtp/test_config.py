"""What the SMTP client does before anything is set, and what settings make of it."""

import pytest
from pytest_django import Settings

from relays.apps import smtp_config
from smtp import Timeouts
from smtp.config import Config


def test_unset_it_connects_to_public_servers_only() -> None:
    assert Config() == Config(ehlo_name="", private_servers=False, timeouts=Timeouts())


def test_the_settings_are_handed_over(settings: Settings) -> None:
    settings.EHLO_NAME = "mail.brand.example"
    settings.PRIVATE_SERVERS = False
    settings.SMTP_TIMEOUTS_PERCENT = 200
    config = smtp_config()
    assert (config.ehlo_name, config.private_servers) == ("mail.brand.example", False)
    assert config.timeouts.greeting == pytest.approx(2 * Timeouts().greeting)
