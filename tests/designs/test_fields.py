"""Merge fields are put down with a default, in the language of the mail."""

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.models import Attribute
from designs import fields, previews
from designs.models import Design
from designs.rendering import Renderer


@pytest.fixture
def attributes(workspace: Workspace) -> None:
    for key, label, kind in (
        ("city", "City", "text"),
        ("odd", 'A "quoted" {{ label }} \\', "text"),
        ("orders", "Orders", "number"),
        ("vip", "VIP", "text"),
        ("taste", "Taste", "choices"),
        ("bought", "Bought", "objects"),
    ):
        Attribute.objects.create(workspace=workspace, key=key, label=label, type=kind)


@pytest.mark.parametrize(
    ("language", "key", "text"),
    [
        ("en", "first_name", '{{ first_name|default("friend") }}'),
        ("zh", "first_name", '{{ first_name|default("朋友") }}'),
        ("en", "city", '{{ city|default("your city") }}'),
        ("zh", "city", '{{ city|default("您的City") }}'),
        ("en", "vip", '{{ vip|default("your VIP") }}'),
        # Everybody has an address, and no number can stand for one that is not known.
        ("en", "email", "{{ email }}"),
        ("en", "orders", "{{ orders }}"),
        ("en", "taste", "{{ taste }}"),
        (
            "en",
            "bought",
            "{% for one in bought %}{{ one.name }}{% if not loop.last %}, {% endif %}{% endfor %}",
        ),
        ("en", "unsubscribe_url", "{{ unsubscribe_url }}"),
    ],
)
@pytest.mark.usefixtures("attributes")
def test_what_is_put_down(workspace: Workspace, language: str, key: str, text: str) -> None:
    offered = {one.key: one.insert for one in fields.offered(workspace, language)}
    assert offered[key] == text


@pytest.mark.usefixtures("attributes")
def test_every_field_renders_whatever_its_label(workspace: Workspace) -> None:
    for one in fields.offered(workspace):
        Renderer(subject=one.insert, preheader="", html=f"<p>{one.insert}</p>", text="")
        shown = f"<p>{one.insert} {{{{ {one.expression} }}}}</p>"
        assert not previews.render_preview(workspace, subject=one.insert, html=shown).failed, one


def test_the_language_of_the_design_decides(owner_client: Client, workspace: Workspace) -> None:
    """Not that of the person who edits it."""
    html = "<p>亲爱的读者，春季新品已经上架。</p>"
    design = Design.objects.create(workspace=workspace, name="春", subject="春季新品", html=html)
    page = owner_client.get(f"/w/brand/designs/{design.pk}/").content.decode()
    assert "{{ first_name|default(&quot;朋友&quot;) }}" in page
    Design.objects.filter(pk=design.pk).update(subject="Spring", html="<p>Dear reader</p>")
    page = owner_client.get(f"/w/brand/designs/{design.pk}/").content.decode()
    assert "{{ first_name|default(&quot;friend&quot;) }}" in page
