"""The part of a list's form about sign-ups."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import List
from signups.models import SignupForm, SignupRules
from signups.services import rules
from tests import factories

pytestmark = pytest.mark.django_db
LINK = '<a href="{{ confirm_url }}">Confirm</a>'


def post(client: Client, news: List, **values: Any) -> str:
    answer = client.post(f"/w/brand/lists/{news.pk}/edit/", {"name": "News", **values}, follow=True)
    return " ".join(answer.content.decode().split())


def test_what_is_chosen_is_stored_and_shown(
    owner_client: Client, news: List, workspace: Workspace
) -> None:
    design = factories.make_design(workspace, subject="Confirm", html=LINK)
    page = post(
        owner_client,
        news,
        public="on",
        language="de",
        signups_opt_in="single",
        signups_confirmation=design.pk,
        signups_welcome="design",
        signups_welcome_design=design.pk,
    )
    assert "Saved." in page
    news.refresh_from_db()
    assert (news.public, news.language) == (True, "de")
    stored = rules.of(news)
    assert (stored.double_opt_in, stored.confirmation_design) == (False, design)
    assert (stored.welcome, stored.welcome_design) == ("design", design)
    form = owner_client.get(f"/w/brand/lists/{news.pk}/edit/").context["form"]
    assert form["signups_opt_in"].value() == "single"
    assert form["signups_confirmation"].value() == design.pk


def test_a_form_that_says_nothing_of_it_has_the_safe_defaults(
    owner_client: Client, news: List
) -> None:
    post(owner_client, news)
    news.refresh_from_db()
    stored = SignupRules.objects.get(list=news)
    assert (news.public, stored.double_opt_in, stored.welcome) == (False, True, "none")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"subject": "S", "html": "<p>Hello</p>"}, "has no link to {{ confirm_url }}"),
        ({"subject": "S", "html": LINK, "text": "Hello"}, "has no link to {{ confirm_url }}"),
        ({"subject": "", "html": LINK}, "This design has no subject."),
        ({"subject": "S", "html": LINK + "{% if %}"}, "This design can’t be sent."),
    ],
)
def test_a_design_that_can_not_confirm_is_refused(
    owner_client: Client,
    news: List,
    workspace: Workspace,
    values: dict[str, str],
    sentence: str,
) -> None:
    design = factories.make_design(workspace, **values)
    assert sentence in post(owner_client, news, signups_confirmation=design.pk)
    assert not SignupRules.objects.exists()


def test_a_welcome_by_a_design_needs_one(
    owner_client: Client, news: List, other_workspace: Workspace
) -> None:
    assert "Choose a design" in post(owner_client, news, signups_welcome="design")
    theirs = factories.make_design(other_workspace, subject="S", html=LINK)
    assert "Select a valid choice" in post(owner_client, news, signups_confirmation=theirs.pk)
    assert not SignupRules.objects.exists()


def test_the_page_of_a_list_shows_its_settings_and_forms(
    owner_client: Client, make_form: Callable[..., SignupForm], news: List, workspace: Workspace
) -> None:
    url = f"/w/brand/lists/{news.pk}/"

    def page() -> str:
        return " ".join(owner_client.get(url).content.decode().split())

    before = page()
    for words in (
        "Double opt-in: people confirm",
        "Private",
        "Our text, in the person’s language",
        "Somebody, probably you, signed up",
        "None yet",
        f'href="/w/brand/forms/new/?list={news.pk}"',
    ):
        assert words in before
    design = factories.make_design(workspace, name="Hello", subject="S", html=LINK)
    rules.change(news, double_opt_in=False, confirmation_design=design, welcome="standard")
    List.objects.update(public=True, language="de")
    form = make_form(name="Website")
    after = page()
    for words in (
        "Single opt-in: people are subscribed at once",
        "Public: people can choose it",
        "Deutsch",
        f'<a href="/w/brand/designs/{design.pk}/',
        "Willkommen",
        f'<a href="/w/brand/forms/{form.pk}/">Website</a>',
    ):
        assert words in after


def test_the_form_of_a_list_shows_our_text_and_leads_to_a_design(
    owner_client: Client, news: List
) -> None:
    page = owner_client.get(f"/w/brand/lists/{news.pk}/edit/").content.decode()
    assert 'href="/w/brand/designs/new/"' in page
    assert "Please confirm your subscription: Brand" in page
    assert "{{ confirm_url }}" not in page.split("Show our text")[1]
    assert owner_client.get("/w/brand/lists/new/").status_code == 200
