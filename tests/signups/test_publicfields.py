"""A form with a field for each type of attribute: on its page, by the script, as plain HTML."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Attribute, Contact
from signups.models import Signup, SignupForm
from tests.signups.conftest import ADDRESS, link, stamped

pytestmark = pytest.mark.django_db
TYPES = ("text", "number", "date", "day", "boolean", "choice", "choices", "objects")
JSON = {"Accept": "application/json"}
GOOD: dict[str, Any] = {
    "attribute_text": "Tea, 茶",
    "attribute_number": "1,234.5",
    "attribute_date": "2001-02-03",
    "attribute_day.month": "2",
    "attribute_day.day": "29",
    "attribute_boolean": "false",
    "attribute_choice": "rome",
    "attribute_choices": ["Oslo", "Rome"],
}
STORED = {
    "text": "Tea, 茶",
    "number": 1234.5,
    "date": "2001-02-03",
    "day": "02-29",
    "boolean": False,
    "choice": "Rome",
    "choices": ["Rome", "Oslo"],
}


@pytest.fixture
def one(make_form: Callable[..., SignupForm], workspace: Workspace) -> SignupForm:
    """With a field for each type; the list of objects was stored by hand."""
    for type_ in TYPES:
        Attribute.objects.create(
            workspace=workspace,
            key=type_,
            label=f"My {type_}",
            type=type_,
            choices=["Rome", "Oslo"],
        )
    return make_form(fields=[{"key": f"attribute:{type_}"} for type_ in TYPES])


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def post(client: Client, one: SignupForm, values: dict[str, Any], **more: Any) -> Any:
    data = {"email": ADDRESS, "consent": "on", **values, **stamped(one)}
    return client.post(f"/f/{one.key}", data, **more)


def make_required(one: SignupForm) -> None:
    one.fields = [row | {"required": True} for row in one.fields]
    one.save()


def test_values_of_each_type_are_stored_as_the_attribute_has_them(
    client: Client, one: SignupForm
) -> None:
    make_required(one)
    assert post(client, one, GOOD).status_code == 303
    sent = Signup.objects.get().values
    assert sent == {f"attribute:{key}": value for key, value in STORED.items()}
    client.post(link())
    assert Contact.objects.get().attributes == {**STORED, "language": "en"}


@pytest.mark.parametrize(
    ("field", "values", "words"),
    [
        ("number", {"attribute_number": "old"}, "Please enter a number"),
        ("date", {"attribute_date": "3/4/2024"}, "Please enter a date"),
        ("day", {"attribute_day.day": "31"}, "Please choose a month and a day that exist."),
        ("day", {"attribute_day.day": ""}, "Please choose a month and a day that exist."),
        ("boolean", {"attribute_boolean": "maybe"}, "Please choose one of the answers."),
        ("choice", {"attribute_choice": "Atlantis"}, "Please choose one of the answers."),
        (
            "choices",
            {"attribute_choices": ["Rome", "Atlantis"]},
            "Please choose only from these answers.",
        ),
        ("text", {"attribute_text": "x" * 1001}, "at most 1000 characters"),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field(
    client: Client, one: SignupForm, field: str, values: dict[str, Any], words: str
) -> None:
    answer = post(client, one, {**GOOD, **values})
    page = text(answer)
    assert answer.status_code == 200
    assert words in page.split(f'id="signup_attribute_{field}_error"')[1][:200]
    # What was typed stays.
    assert 'value="Tea, 茶"' in page or field == "text"
    assert '<option value="2" selected>February' in page
    box = re.search(r'<input type="checkbox" name="attribute_choices" value="Rome"[^>]*>', page)
    assert box
    assert "checked" in box[0]
    assert field != "date" or 'type="text" name="attribute_date" value="3/4/2024"' in page
    assert not Signup.objects.exists()
    errors = post(client, one, {**GOOD, **values}, headers=JSON).json()["errors"]
    assert [(name, words in some[0]) for name, some in errors.items()] == [
        (f"attribute_{field}", True)
    ]


@pytest.mark.parametrize("field", [type_ for type_ in TYPES if type_ != "objects"])
def test_a_required_field_of_each_type(client: Client, one: SignupForm, field: str) -> None:
    left = {key: value for key, value in GOOD.items() if not key.startswith(f"attribute_{field}")}
    if field == "choice":
        left["attribute_choices"] = GOOD["attribute_choices"]
    assert post(client, one, left).status_code == 303
    make_required(one)
    errors = post(client, one, left, headers=JSON).json()["errors"]
    assert errors == {f"attribute_{field}": ["Please fill this in."]}


def test_labels_of_controls_are_in_the_language_of_the_page(
    client: Client, one: SignupForm
) -> None:
    page = text(client.get(f"/f/{one.key}?lang=de"))
    for words in ("Monat", "März", "Tag", "Ja", "Nein", "Bitte wählen"):
        assert words in page
    assert "My objects" not in page
    assert page.count("<fieldset") == 2
    assert '<input type="date" name="attribute_date"' in page


def test_the_script_describes_each_control(client: Client, one: SignupForm) -> None:
    script = client.get(f"/f/{one.key}.js").content.decode()
    kinds = dict(re.findall(r'"name": "attribute_(\w+)".*?"kind": "(\w+)"', script))
    assert kinds == {
        "text": "text",
        "number": "text",
        "date": "date",
        "day": "day",
        "boolean": "choice",
        "choice": "choice",
        "choices": "choices",
    }


def test_plain_html_has_the_same_controls(
    owner_client: Client, client: Client, one: SignupForm
) -> None:
    make_required(one)
    plain = owner_client.get(f"/w/brand/forms/{one.pk}/").context["plain"]
    names = dict.fromkeys(re.findall(r'name="([\w.]+)"', plain))
    assert set(names) == {"email", "consent", "reply_subject", *GOOD}
    assert '<option value="2">February</option>' in plain
    assert '<input type="checkbox" name="attribute_choices" value="Oslo">' in plain
    data = {"email": ADDRESS, "consent": "on", "reply_subject": "", **GOOD}
    assert client.post(f"/f/{one.key}?lang=en", data).status_code == 303
    # Without a script the person gets our page with the errors.
    wrong = client.post(f"/f/{one.key}?lang=en", data | {"attribute_number": "old"})
    assert "Please enter a number" in text(wrong)


def test_a_list_of_objects_is_not_offered(owner_client: Client, one: SignupForm) -> None:
    page = text(owner_client.get(f"/w/brand/forms/{one.pk}/edit/"))
    assert "My choices" in page
    assert "My objects" not in page


def test_letters_before_the_at_sign_get_a_sentence_of_their_own(
    client: Client, form: SignupForm
) -> None:
    data = {"email": "张伟@例子.中国", "consent": "on", **stamped(form)}
    page = text(client.post(f"/f/{form.key}", data))
    assert "Addresses with such letters before the @ are not supported." in page
    assert "张伟@例子.中国" in page


def test_typed_texts_have_a_direction_of_their_own(client: Client, form: SignupForm) -> None:
    SignupForm.objects.update(title="Join", intro="Our news", consent="I agree")
    page = text(client.get(f"/f/{form.key}?lang=ar"))
    assert '<html lang="ar" dir="rtl">' in page
    assert '<h1 dir="auto"> Join' in page or '<h1 dir="auto">Join' in page
    assert '<p dir="auto">Our news' in page
    assert '<span dir="auto">I agree</span>' in page
    email = re.search(r'<input type="email"[^>]*>', page)
    assert email
    assert 'dir="ltr"' in email[0]
