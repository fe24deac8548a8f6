"""The builder, a form's page, its numbers and its sign-ups."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from contacts.models import Attribute, List
from relays.models import Relay
from sending.models import Mailing
from signups.models import FormStream, Signup, SignupForm
from tests import factories, figures
from tests.signups.conftest import link

pytestmark = pytest.mark.django_db
Send = Callable[..., Any]


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


@pytest.fixture
def typed(news: List, relay: Relay) -> dict[str, Any]:
    return {
        "name": "Website",
        "lists": [news.pk],
        "route": f"relay-{relay.pk}",
        "order": ["last_name", "attribute:city", "first_name"],
        "used": ["first_name", "attribute:city"],
        "required": ["first_name", "last_name"],
        "label:attribute:city": "Your <town>",
        "help:first_name": "As we call you",
    }


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="city", label="City")


@pytest.mark.usefixtures("city")
def test_a_form_is_made_with_its_fields_in_order(
    owner_client: Client, client: Client, typed: dict[str, Any], news: List
) -> None:
    page = owner_client.post("/w/brand/forms/new/", typed, follow=True)
    assert "The form Website was created." in text(page)
    one = SignupForm.objects.get()
    assert list(one.lists.all()) == [news]
    assert [(row["key"], row["required"]) for row in one.fields] == [
        ("attribute:city", False),
        ("first_name", True),
    ]
    public = text(client.get(f"/f/{one.key}"))
    assert public.index("Your &lt;town&gt;") < public.index("First name")
    assert "As we call you" in public
    assert "Last name" not in public


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", "", "Enter a name."),
        ("name", "Taken", "There is a form with this name already."),
        ("lists", [], "Choose at least one list."),
        ("route", "", "Choose a relay or a pool."),
        ("redirect_url", "http://brand.example/", "begins with https://"),
        ("redirect_url", "javascript:alert(1)", "begins with https://"),
        ("redirect_url", "//evil.example", "begins with https://"),
        ("redirect_url", "https://user:pass@evil.example/", "begins with https://"),
        ("redirect_url", "https://evil.example;script-src *", "begins with https://"),
        ("label:first_name", "x" * 151, "The label has more than 150 characters."),
        ("help:first_name", "x" * 301, "The help has more than 300 characters."),
        ("title", "x" * 151, "at most 150 characters"),
        ("language", "xx", "Select a valid choice"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(  # noqa: PLR0917 - what is typed
    owner_client: Client,
    make_form: Callable[..., SignupForm],
    typed: dict[str, Any],
    field: str,
    value: str | list[int],
    sentence: str,
) -> None:
    make_form(name="Taken")
    page = text(owner_client.post("/w/brand/forms/new/", {**typed, field: value}))
    assert sentence in page
    assert "As we call you" in page or field == "help:first_name"
    assert SignupForm.objects.count() == 1


def test_lists_and_routes_of_other_workspaces_are_refused(
    owner_client: Client, typed: dict[str, Any], other_workspace: Workspace
) -> None:
    theirs = factories.make_list(other_workspace, name="Theirs")
    relay = factories.make_relay(other_workspace)
    for field, value in (("lists", theirs.pk), ("route", f"relay-{relay.pk}")):
        page = owner_client.post("/w/brand/forms/new/", {**typed, field: value})
        assert "Select a valid choice" in text(page)
    assert not SignupForm.objects.exists()


def test_the_buttons_move_a_field_without_a_script_and_save_nothing(
    owner_client: Client, form: SignupForm, typed: dict[str, Any]
) -> None:
    url = f"/w/brand/forms/{form.pk}/edit/"
    page = owner_client.post(url, {**typed, "name": "Other", "down": "last_name"})
    order = re.findall(r'name="order" value="([^"]+)"', page.content.decode())
    assert order == ["first_name", "last_name", "full_name"]
    assert 'value="Other"' in text(page)
    form.refresh_from_db()
    assert form.name != "Other"


@pytest.mark.usefixtures("city")
def test_the_preview_shows_what_is_typed_and_stores_nothing(
    owner_client: Client, typed: dict[str, Any]
) -> None:
    more = {"title": "<script>alert(1)</script>", "language": "de", "name": ""}
    answer = owner_client.post("/w/brand/forms/preview/", {**typed, **more})
    page = answer.content.decode()
    assert "srcdoc=" in page
    assert "<script" not in page
    assert "E-Mail-Adresse" in page
    assert "&amp;lt;script&amp;gt;alert(1)" in page
    assert owner_client.get("/w/brand/forms/preview/").status_code == 405
    assert owner_client.post("/w/brand/forms/preview/", {"lists": "x"}).status_code == 200
    assert not SignupForm.objects.exists()


def test_the_codes_of_a_form(owner_client: Client, form: SignupForm) -> None:
    SignupForm.objects.update(title='"><b>', button="Go & see", fields=[{"key": "first_name"}])
    answer = owner_client.get(f"/w/brand/forms/{form.pk}/")
    script, plain = answer.context["script"], answer.context["plain"]
    assert script == f'<script src="http://127.0.0.1:8000/f/{form.key}.js" async></script>'
    assert f'action="http://127.0.0.1:8000/f/{form.key}?lang=en" method="post"' in plain
    assert (
        '<input type="email" name="email" maxlength="320" autocomplete="email" dir="ltr" required>'
        in plain
    )
    assert 'name="first_name"' in plain
    assert "Go &amp; see" in plain
    # The page shows them as text.
    assert "&lt;form action=" in answer.content.decode()
    assert "Go &amp;amp; see" in answer.content.decode()
    assert f'<script src="http://127.0.0.1:8000/f/{form.key}' not in answer.content.decode()
    assert 'name="reply_subject"' in plain


def test_plain_html_is_what_the_page_takes(
    owner_client: Client, client: Client, form: SignupForm
) -> None:
    plain = owner_client.get(f"/w/brand/forms/{form.pk}/").context["plain"]
    names = re.findall(r'name="(\w+)"', plain)
    values = {"email": "lan@example.com", "consent": "on", "reply_subject": ""}
    assert set(names) == set(values)
    assert client.post(f"/f/{form.key}?lang=en", values).status_code == 303
    assert Signup.objects.get().state == "unconfirmed"


def test_switched_off_it_closes_its_streams_so_that_the_relay_is_free(
    owner_client: Client, send: Send, form: SignupForm
) -> None:
    send()
    assert FormStream.objects.count() == 1
    owner_client.post(f"/w/brand/forms/{form.pk}/toggle/")
    assert not FormStream.objects.exists()
    assert Mailing.objects.get().closed_at
    owner_client.post(f"/w/brand/forms/{form.pk}/toggle/")
    send("b@example.com")
    assert Mailing.objects.filter(closed_at=None).count() == 1


def test_another_route_closes_the_streams_of_the_former(
    owner_client: Client, send: Send, form: SignupForm, typed: dict[str, Any], workspace: Workspace
) -> None:
    send()
    other = factories.make_relay(workspace)
    route = {"route": f"relay-{other.pk}", "required": []}
    owner_client.post(f"/w/brand/forms/{form.pk}/edit/", {**typed, **route})
    assert Mailing.objects.get().closed_at
    send("b@example.com")
    assert Mailing.objects.get(closed_at=None).relay == other


def test_a_form_says_why_it_takes_no_sign_ups(owner_client: Client, form: SignupForm) -> None:
    Relay.objects.update(archived_at=timezone.now())
    page = text(owner_client.get(f"/w/brand/forms/{form.pk}/"))
    assert "The form has no relay or pool that sends its mails." in page


def test_each_number_opens_what_it_counts(
    owner_client: Client, client: Client, send: Send, form: SignupForm
) -> None:
    send()
    client.post(link())
    send("b@example.com")
    send("c@example.com", reply_subject="x")
    for page in ("/w/brand/forms/", f"/w/brand/forms/{form.pk}/"):
        found = figures.on_page(owner_client, page)
        assert [one.number for one in found] == [1, 1, 0, 1]
        for one in found:
            behind = owner_client.get(one.url).content.decode()
            assert f'data-total="{one.number}"' in behind, one


def test_the_sign_ups_show_the_trail_and_the_reason(
    owner_client: Client, send: Send, form: SignupForm
) -> None:
    SignupForm.objects.update(fields=[{"key": "first_name"}])
    send(first_name="<Lan>", reply_subject="x")
    url = f"/w/brand/forms/{form.pk}/signups/"
    page = text(owner_client.get(url))
    for words in (
        "A program filled in a field that people don&#x27;t see",
        "I can unsubscribe at any time",
        "&lt;Lan&gt;",
        "127.0.0.1",
    ):
        assert words in page
    assert "lan@example.com" in text(owner_client.get(f"{url}?q=LAN@Example.com"))
    assert "Nothing matches" in text(owner_client.get(f"{url}?q=lan"))


def test_another_workspace_sees_nothing(
    stranger_client: Client, form: SignupForm, owner: User
) -> None:
    for path in ("", "edit/", "signups/"):
        assert stranger_client.get(f"/w/other/forms/{form.pk}/{path}").status_code == 404
    assert stranger_client.post(f"/w/other/forms/{form.pk}/toggle/").status_code == 404
    form.refresh_from_db()
    assert form.active


# Before a form can take sign-ups -----------------------------------------------------------------


def test_a_form_without_relay_can_be_made_and_says_once_what_it_needs(
    owner_client: Client, typed: dict[str, Any]
) -> None:
    Relay.objects.update(archived_at=timezone.now())
    builder = text(owner_client.get("/w/brand/forms/new/"))
    assert "You can make the form now, but it takes no sign-ups yet:" in builder
    assert "The form has no relay or pool" in builder
    assert 'href="/w/brand/relays/"' in builder.split("takes no sign-ups yet:")[1][:300]
    page = text(owner_client.post("/w/brand/forms/new/", {**typed, "route": ""}, follow=True))
    assert "It takes no sign-ups at the moment:" in page
    assert "It takes sign-ups." not in page


def test_a_form_without_sender_address_leads_to_the_settings(
    owner_client: Client, form: SignupForm, workspace: Workspace
) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(from_email="")
    for path in ("new/", f"{form.pk}/"):
        page = text(owner_client.get(f"/w/brand/forms/{path}"))
        assert "The workspace has no sender address." in page
        assert '<a href="/w/brand/settings/">Settings of the workspace</a>' in page
        assert "It takes sign-ups." not in page
    off = owner_client.post(f"/w/brand/forms/{form.pk}/toggle/", follow=True)
    assert "takes no sign-ups any more." in text(off)
    on = text(owner_client.post(f"/w/brand/forms/{form.pk}/toggle/", follow=True))
    assert f"{form.name} takes sign-ups." not in on


def test_a_new_form_of_a_list(owner_client: Client, news: List) -> None:
    page = owner_client.get(f"/w/brand/forms/new/?list={news.pk}")
    assert page.context["form"]["lists"].value() == [news.pk]
    assert owner_client.get("/w/brand/forms/new/?list=x").status_code == 200


def test_empty_texts_are_explained_at_their_fields(owner_client: Client, news: List) -> None:
    page = text(owner_client.get("/w/brand/forms/new/"))
    assert page.count("eave it empty for our text, in ten languages.") == 4


def test_the_language_of_the_plain_html(owner_client: Client, form: SignupForm) -> None:
    url = f"/w/brand/forms/{form.pk}/"
    chosen = owner_client.get(f"{url}?code_language=ja")
    assert "メールアドレス" in chosen.context["plain"]
    assert '<option value="ja" selected>' in text(chosen)
    assert 'lang="en"' in owner_client.get(f"{url}?code_language=xx").context["plain"]
    SignupForm.objects.update(language="fr")
    own = owner_client.get(f"{url}?code_language=ja")
    assert "Adresse e-mail" in own.context["plain"]
    assert 'in the language of the form: <strong lang="fr">Français</strong>' in text(own)
