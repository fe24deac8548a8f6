"""Names, subjects and labels have one line, whichever way they come in."""

from importlib import import_module
from typing import Any

import pytest
from django import forms
from django.apps import apps
from django.db import connection
from django.test import Client

from accounts import notices
from accounts.models import User, Workspace
from accounts.services import workspaces
from campaigns.models import Campaign
from contacts.models import Contact, List
from contacts.rows import Shaper
from designs.models import Design
from pages.singleline import SingleLine, SingleLineField

# What a page of ours may type into one line, and keeps as it was typed.
AS_TYPED = {"password", "current", "login", "password1"}
MODULES = """
    accounts.forms contacts.forms campaigns.forms designs.forms sending.views.designtest
    bounces.forms relays.forms.pools relays.forms.relays relays.forms.trials
""".split()


def every_form() -> set[type[forms.BaseForm]]:
    for module in MODULES:
        import_module(module)
    found, left = set(), [forms.BaseForm]
    while left:
        for one in left.pop().__subclasses__():
            if one.__module__ in MODULES:
                found.add(one)
            left.append(one)
    return found


@pytest.mark.parametrize("form", sorted(every_form(), key=str))
def test_every_field_of_one_line_is_folded(form: type[forms.BaseForm]) -> None:
    for name, field in form.base_fields.items():  # type: ignore[attr-defined]
        text = type(field) is forms.CharField and type(field.widget) is forms.TextInput
        assert not text or name in AS_TYPED, f"{name} takes line breaks; use SingleLine"


def test_a_pasted_text_is_folded() -> None:
    assert SingleLine().clean(" Brand\r\nGmbH\u2028& Co \u202e") == "Brand GmbH & Co"
    with pytest.raises(forms.ValidationError):
        SingleLine().clean("\r\n\u2028 \x0b")
    with pytest.raises(forms.ValidationError, match=r"[Nn]ull"):
        SingleLine().clean("a\x00b")


def test_the_tables_hold_one_line(workspace: Workspace) -> None:
    evil = "a\r\nBcc: x\u2029y"
    made = List.objects.create(workspace=workspace, name=evil)
    assert made.name == "a Bcc: x y"
    List.objects.filter(pk=made.pk).update(name="b\nc")
    [bulk] = List.objects.bulk_create([List(workspace=workspace, name="d\ve")])
    assert list(List.objects.order_by("pk").values_list("name", flat=True)) == ["b c", "d e"]
    assert bulk.name == "d e"
    assert List.objects.get(name="d\x0be") == bulk


def test_every_name_that_a_mail_shows_is_such_a_column() -> None:
    shown = {
        ("accounts", "Workspace"): {"name", "from_name"},
        ("accounts", "User"): {"name"},
        ("contacts", "Contact"): {"first_name", "last_name", "full_name"},
        ("contacts", "Attribute"): {"label"},
        ("designs", "Design"): {"name", "subject", "preheader"},
        ("campaigns", "Campaign"): {"name", "from_name", "subject", "preheader"},
        ("sending", "Mailing"): {"from_name"},
        ("relays", "Relay"): {"name"},
    }
    for (app, model), names in shown.items():
        for name in names:
            field = apps.get_model(app, model)._meta.get_field(name)
            assert isinstance(field, SingleLineField), (model, name)
            assert field.deconstruct()[1] == "django.db.models.CharField"


def test_services_keep_one_line(workspace: Workspace, owner: User) -> None:
    workspaces.change(workspace, name="Brand\r\nGmbH", from_name="News\n")
    assert (workspace.name, workspace.from_name) == ("Brand GmbH", "News")
    made = workspaces.create(name="Other\nbrand", owner=owner)
    made.refresh_from_db()
    assert (made.name, made.slug) == ("Other brand", "other-brand")


def test_the_settings_page_folds(owner_client: Client, workspace: Workspace) -> None:
    data = {"name": "Brand\r\nGmbH", "slug": "brand", "timezone": "UTC", "from_name": "A\u2028B"}
    owner_client.post("/w/brand/settings/", data)
    workspace.refresh_from_db()
    assert (workspace.name, workspace.from_name) == ("Brand GmbH", "A B")


def test_an_imported_name_has_one_line() -> None:
    shaper = Shaper(["email", "first_name", "full_name"], [])
    person = shaper.person(["a@x.example", "Anna\nMaria", "Anna\u2028Maria \x0bLee"])
    assert (person.first_name, person.full_name) == ("Anna Maria", "Anna Maria Lee")


@pytest.mark.parametrize("model", [Design, Campaign, Contact])
def test_what_was_stored_before_is_read_as_it_is(model: Any, workspace: Workspace) -> None:
    """Composing folds by itself; reading a row changes nothing."""
    name = "first_name" if model is Contact else "name"
    options = {"email": "a@x.example"} if model is Contact else {}
    one = model.objects.create(workspace=workspace, **options)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {model._meta.db_table} SET {name} = E'a\\nb'")  # noqa: S608
    one.refresh_from_db()
    assert getattr(one, name) == "a\nb"


def test_a_notice_s_headers_are_ours() -> None:
    name = "Yanshu, a platform of many a word and more of them, Ltd."
    notice = notices.Notice(
        "品牌 \u2028" * 20, "Hello\n", f'"{name}" <y@x.example>', ["a@b.example"]
    )
    lines = notice.message().as_bytes(linesep="\r\n").partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert f'From: "{name}" <y@x.example>'.encode() in lines
    assert b"To: a@b.example" in lines
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(b" ") or b": " in line for line in lines)
