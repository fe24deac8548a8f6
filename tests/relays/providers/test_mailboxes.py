"""Servers for bounce mailboxes."""

import pytest
from django.test import Client
from django.utils import translation

from relays.providers.mailboxproviders import MailboxProvider, mailbox_providers

ALL = mailbox_providers()


@pytest.mark.parametrize("provider", ALL.values(), ids=lambda provider: provider.key)
def test_each_speaks_both_languages(provider: MailboxProvider) -> None:
    with translation.override("en"):
        english = provider.note
    with translation.override("zh-hans"):
        chinese = provider.note
    assert english != chinese
    assert provider.imap.port == 993


@pytest.mark.django_db
@pytest.mark.usefixtures("workspace")
def test_they_are_offered_in_their_order(owner_client: Client) -> None:
    assert list(ALL) == ["exmail", "qiye163", "qq", "netease", "aliyun", "gmail", "microsoft"]
    page = owner_client.get("/w/brand/mailboxes/new/?provider=netease").content.decode()
    places = [page.index(f'href="?provider={key}"') for key in ALL]
    assert places == sorted(places)
    assert 'value="imap.163.com"' in page
    assert "make an authorization code there" in page
