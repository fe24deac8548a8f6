"""Forms: what is wrong is said above and beside, by kind in every template and script."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from relays.models import Relay

TEMPLATES = settings.ROOT / "templates"
SCRIPTS = settings.ROOT / "frontend" / "src"
# Sections that save themselves say errors at each field, and a value that is edited in its place is
# a form of one field; the one field of a member is a choice.
OWN_WAY = {"campaigns/composer.html", "contacts/parts/contact_value_form.html"}


def _with_forms() -> list[str]:
    found = []
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = path.read_text()
        if re.search(r'<form[^>]*method="post"', text) and "{% form_field" in text:
            found.append(str(path.relative_to(TEMPLATES)))
    return [name for name in found if name not in OWN_WAY]


@pytest.mark.parametrize("name", _with_forms())
def test_every_form_has_a_summary_of_its_errors(name: str) -> None:
    assert "parts/form_errors.html" in (TEMPLATES / name).read_text()


def test_summary_leads_to_the_fields(owner_client: Client, workspace: Workspace) -> None:
    page = owner_client.post(f"/w/{workspace.slug}/lists/new/", {"name": ""}).content.decode()
    summary = page[page.index("data-problems") :]
    assert 'data-problem="name"' in summary
    assert '<a href="#id_name">Name: ' in summary
    assert summary.index("data-problem=") < summary.index('name="name"')


def test_summary_names_each_line_of_a_pool(owner_client: Client, workspace: Workspace) -> None:
    relay = Relay.objects.create(
        workspace=workspace, name="Post", host="mail.example", port=25, tested_at=timezone.now()
    )
    data = {"name": "", f"in_{relay.pk}": "on", f"weight_{relay.pk}": "0"}
    page = owner_client.post(f"/w/{workspace.slug}/relays/pools/new/", data).content.decode()
    problems = re.findall(r'<li data-problem="([^"]+)">', page)
    assert problems == ["name", f"weight_{relay.pk}"]


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.js")), ids=lambda path: path.name)
def test_key_handlers_leave_the_input_method_alone(path: Path) -> None:
    """Keys are heard through `onKey`, which ignores those that compose a word."""
    if path.name != "typing.js":
        assert not re.search(r"[\"']key(down|up|press)[\"']|\.onkey", path.read_text())


def test_components_that_hear_keys_from_templates_ask_whether_a_word_is_composed() -> None:
    handlers = {
        found
        for path in TEMPLATES.rglob("*.html")
        for found in re.findall(r"(?:x-on:|@)key[\w.-]+=\"(\w+)\"", path.read_text())
    }
    assert handlers == {"move"}
    source = (SCRIPTS / "components.js").read_text()
    assert "move(event) {\n      if (composing(event)) return;" in source


def test_an_unchosen_radio_group_is_not_painted_as_chosen() -> None:
    """Browsers call a group of which none is chosen indeterminate."""
    for path in SCRIPTS.glob("*.css"):
        for selector in re.findall(r"[^\s,]*:indeterminate", path.read_text()):
            assert '[type="checkbox"]' in selector, path.name
