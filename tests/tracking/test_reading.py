"""The pages of a mail's links speak the recipient's language, or else the browser's or the
mail's."""
# ruff: noqa: PLR0917 - fixtures and cases

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from designs.models import Content
from sending.compose import tokens
from sending.models import Message, StreamItem
from tracking.services import reading


@pytest.mark.parametrize(
    ("told", "accepts", "language"),
    [
        ("ar-EG", "fr", "ar"),
        (" zh_TW ", "fr", "zh-Hant"),
        ("nl", "fr", "fr"),
        (5, "fr", "fr"),
        (["th"], "fr", "fr"),
        ("", "", "en"),
    ],
)
def test_the_contacts_language_comes_before_the_browsers(
    client: Client, message: Message, contact: Contact, told: Any, accepts: str, language: str
) -> None:
    Contact.objects.filter(pk=contact.pk).update(attributes={"language": told})
    page = client.get(f"/e/u/{tokens.make(message.pk)}", headers={"accept-language": accepts})
    assert f'<html lang="{language}"' in page.content.decode()
    assert page["Content-Language"] == language


def test_without_any_other_word_it_is_the_mails_language(message: Message) -> None:
    message.mailing.variants.update(language="pt-BR")
    assert reading.language_of(message).otherwise == "pt-BR"
    content = Content.objects.create(
        workspace=message.mailing.workspace, subject="春季新品上市", text="您好，新品已经上市。"
    )
    message.mailing.variants.update(language="", content=content)
    assert reading.language_of(message).otherwise == "zh"
    message.mailing.variants.all().delete()
    assert reading.language_of(message).otherwise == ""


def test_a_message_of_a_stream_knows_its_own_language(message: Message) -> None:
    Message.objects.filter(pk=message.pk).update(repeats=True, contact_id=None)
    message.refresh_from_db()
    StreamItem.objects.create(
        pk=message.pk,
        mailing=message.mailing,
        key="a",
        data={"language": "ja"},
        created_at=timezone.now(),
    )
    assert reading.language_of(message).known == ("ja",)


def test_a_choice_on_the_page_outlives_a_post(client: Client, message: Message) -> None:
    url = f"/e/u/{tokens.make(message.pk)}?lang=ar"
    page = client.post(url, {"action": "lists"}, follow=True)
    words = page.content.decode()
    assert '<html lang="ar" dir="rtl">' in words
    assert "أُلغي اشتراككم" in words
    assert "<bdi>lan@example.com</bdi>" in words
