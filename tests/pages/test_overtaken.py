"""Two people edit one thing: the second is told before they overwrite what the first one saved."""

import re
from collections.abc import Callable
from decimal import Decimal

import pytest
from django.db import models
from django.test import Client

from accounts.models import Workspace
from relays.models import Relay
from signups.models import SignupRules
from tests import factories


def opened(client: Client, page: str) -> dict[str, str]:
    found = re.search(r'name="seen" value="(\w+)"', client.get(page).text)
    assert found
    return {"seen": found[1]}


@pytest.mark.django_db
@pytest.mark.parametrize("managed_by", ["", "sandbox"])
def test_the_second_one_is_asked(
    owner_client: Client, workspace: Workspace, url: Callable[..., str], managed_by: str
) -> None:
    relay = factories.make_relay(workspace, per_minute=30, envelope="from", managed_by=managed_by)
    page = url("edit_relay", relay.pk)
    typed = {
        "name": relay.name,
        "host": relay.host,
        "port": str(relay.port),
        "security": relay.security,
        "envelope": relay.envelope,
        "bounce_address": relay.bounce_address,
        "password_choice": "keep",
        "tested": "1",
    }
    first, second = opened(owner_client, page), opened(owner_client, page)
    mine = typed | {"per_minute": "31"}
    saved = owner_client.post(page, mine | first)
    assert saved.status_code == 302, saved.context["form"].errors
    theirs = typed | {"per_minute": "30", "per_second": "2"}
    answer = owner_client.post(page, theirs | second)
    assert answer.status_code == 200
    assert "Somebody else saved changes" in answer.text
    assert "A minute" in answer.text
    relay.refresh_from_db()
    assert (relay.per_minute, relay.per_second) == (31, None)
    # What was typed is kept, and saved when the person saves again.
    again = re.search(r'name="seen" value="(\w+)"', answer.text)
    assert again
    last = owner_client.post(page, theirs | {"seen": again[1]})
    assert last.status_code == 302, last.context["form"].errors
    relay.refresh_from_db()
    assert (relay.per_minute, relay.per_second) == (30, Decimal(2))
    assert Relay.objects.count() == 1


# {URL name: (model, field with a name, what else it needs to be saved)}
FORMS: dict[str, tuple[str, str, dict[str, object]]] = {
    "edit_list": ("List", "name", {"language": ""}),
    "edit_attribute": ("Attribute", "label", {}),
    "edit_tag": ("Tag", "name", {}),
    "edit_contact": ("Contact", "first_name", {"email": "wei@b.example", "attributes": {}}),
    "edit_mailbox": ("BounceMailbox", "name", {"managed_by": "", "host": "127.0.0.1"}),
    "edit_pool": ("Pool", "name", {}),
    "workspace_settings": ("Workspace", "name", {}),
}


@pytest.mark.django_db
@pytest.mark.parametrize("page", FORMS)
def test_each_form_asks(
    owner_client: Client, made: dict[str, models.Model], url: Callable[..., str], page: str
) -> None:
    model, field, more = FORMS[page]
    stored = made[model]
    # Their design has no link to confirm.
    SignupRules.objects.all().delete()
    if more:
        type(stored)._default_manager.filter(pk=stored.pk).update(**more)
    at = url(page) if model == "Workspace" else url(page, stored.pk)
    shown = owner_client.get(at)
    mine = {
        bound.html_name: str(bound.value() or "")
        for bound in shown.context["form"]
        if bound.value() is not False
    } | {"password": "secret", **opened(owner_client, at)}
    type(stored)._default_manager.filter(pk=stored.pk).update(**{field: "Theirs"})
    answer = owner_client.post(at, mine | {field: "Mine"})
    assert "Somebody else saved changes" in answer.text, answer.context["form"].errors
    assert 'value="Mine"' in answer.text
    stored.refresh_from_db()
    assert getattr(stored, field) == "Theirs"
    last = owner_client.post(at, mine | {field: "Mine"} | opened(owner_client, at))
    assert last.status_code == 302, last.context["form"].errors
    stored.refresh_from_db()
    assert getattr(stored, field) == "Mine"
