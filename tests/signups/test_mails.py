"""The mails of sign-ups: which content they have, and that they leave."""

import email
import email.policy
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Contact, List
from contacts.provenance import Source
from contacts.services import erasing, suppressions
from designs.models import Content
from designs.rendering import Renderer
from pages import publicwords
from relays.models import Relay
from sending.compose.publicurls import MessageUrls
from sending.models import Mailing, Variant
from sending.services.streams import StreamClosedError, append
from signups import mailtexts
from signups.models import FormStream, SignupForm
from signups.services import rules
from tests import factories
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import relay
from tests.sending.test_streams import send as send_all
from tests.signups.conftest import ADDRESS, mails

__all__ = ["relay"]
Send = Callable[..., Any]


@pytest.mark.parametrize("language", publicwords.LANGUAGES)
def test_our_texts_can_be_rendered_in_each_language(language: str) -> None:
    values = {
        "confirm_url": "https://x.example/f/confirm/ab",
        "list_names": "News & <more>",
        "list_name": "News & <more>",
        "workspace": {"name": "Brand <b>", "address": "Street 1"},
    }
    for text in (mailtexts.confirmation(language), mailtexts.welcome(language)):
        renderer = Renderer(
            subject=text.subject, preheader=text.preheader, html=text.html, text=text.text
        )
        mail = renderer.render(values, MessageUrls(0))
        assert "News &amp; &lt;more&gt;" in mail.html
        assert "News & <more>" in mail.text
        assert f'lang="{language}"' in mail.html
        assert "{" not in mail.html + mail.text + mail.subject


@pytest.mark.django_db(transaction=True)
def test_the_mail_leaves_with_a_link_that_confirms(
    client: Client, send: Send, sink: Sink, relay: Relay
) -> None:
    send()
    send_all(Mailing.objects.get())
    [(_sender, to, content)] = sink.mails
    assert to == ADDRESS
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["Subject"] == "Please confirm your subscription: Brand"
    assert mail["Auto-Submitted"] == "auto-generated"
    body = mail.get_body(("plain",))
    assert body is not None
    found = re.search(r"/f/confirm/[0-9a-f]+", body.get_content())
    assert found
    client.post(found[0])
    assert Contact.objects.get().email == ADDRESS


@pytest.mark.django_db(transaction=True)
def test_the_mail_reaches_an_erased_person_who_signs_up(
    send: Send, sink: Sink, relay: Relay, workspace: Workspace
) -> None:
    suppressions.add_erased(workspace, ADDRESS, source=Source("page"), by=None)
    send()
    send_all(Mailing.objects.get())
    assert [to for _sender, to, _content in sink.mails] == [ADDRESS]


@pytest.mark.django_db(transaction=True)
def test_a_mail_that_waits_when_its_person_is_erased_does_not_leave(
    send: Send, sink: Sink, relay: Relay, workspace: Workspace
) -> None:
    send()
    erasing.erase(workspace, ADDRESS, by=None)
    send_all(Mailing.objects.get())
    assert not sink.mails


@pytest.mark.django_db
class TestStreams:
    def test_a_form_has_one_stream_for_all_its_mails(self, send: Send) -> None:
        send()
        send("b@example.com")
        assert Mailing.objects.count() == 1
        assert Variant.objects.count() == len(publicwords.LANGUAGES)

    def test_each_person_gets_the_language_of_the_page(
        self, form: SignupForm, client: Client
    ) -> None:
        client.post(f"/f/{form.key}?lang=ja", {"email": ADDRESS, "consent": "on"})
        [mail] = mails()
        assert mail.message.variant == publicwords.LANGUAGES.index("ja")

    def test_a_design_is_frozen_anew_after_it_was_changed(
        self, send: Send, news: List, workspace: Workspace
    ) -> None:
        design = factories.make_design(
            workspace, subject="Yes?", html='<a href="{{ confirm_url }}">Yes</a>'
        )
        rules.change(news, confirmation_design=design)
        send()
        assert Content.objects.get().subject == "Yes?"
        design.subject, design.version = "Really?", 2
        design.save()
        send("b@example.com")
        first, second = Mailing.objects.order_by("pk")
        assert first.closed_at
        assert second.content.subject == "Really?"
        with pytest.raises(StreamClosedError):
            append(first, [])

    def test_another_sender_address_opens_another_stream(self, send: Send) -> None:
        send()
        Workspace.objects.update(from_email="new@brand.example")
        send("b@example.com")
        assert Mailing.objects.get(closed_at=None).from_email == "new@brand.example"

    def test_a_stream_that_was_cancelled_is_replaced(self, send: Send) -> None:
        send()
        Mailing.objects.update(state="cancelled")
        send("b@example.com")
        assert Mailing.objects.count() == 2
        assert FormStream.objects.get().mailing.state == "sending"
