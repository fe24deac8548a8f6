"""Names of merge fields: a contact's own value prints, ours and Jinja2's objects never do."""

import csv
import io
from pathlib import Path

import pytest
from django.test import Client
from jinja2.defaults import DEFAULT_NAMESPACE

from accounts.models import Workspace
from contacts import mergenames
from contacts.columns import describe, key_of
from contacts.services import attributes
from designs import fields
from designs.checks import MailSource, check
from designs.filters import as_text
from designs.rendering import CompiledPart, Renderer, RenderError
from smtp import MailObject
from tests.designs.test_rendering import Urls
from tests.sending.compose.test_compose import claimed, composer

CASES = Path(__file__).parents[1] / "cases" / "mail"
EVERY = [
    *mergenames.RESERVED,
    *mergenames.FUNCTIONS,
    *DEFAULT_NAMESPACE,
    "class",
    "_called_track",
    "__class__",
]


def problems(html: str, *known: str) -> list[str]:
    source = MailSource(subject="Hi", html=html + "{{ unsubscribe_url }}")
    found = check(source, fields={*mergenames.OF_PERSON, *known})
    return [one.code for one in found if one.severity == "error"]


def test_case_an_attribute_named_track(workspace: Workspace) -> None:
    text = (CASES / "08-attribute-named-track.csv").read_text()
    header, *people = list(csv.reader(io.StringIO(text)))
    column = describe([header, *people], header=True)[2]
    made = attributes.add(workspace, label="Track", type_="text")
    assert made.key == column.key == "track"
    assert "track" in fields.known(workspace)
    values = dict(zip([*header[:2], made.key], people[0], strict=True))
    source = "<p>Your track: {{ track }}</p><a href='{{ track(0) }}'>x</a>"
    mail = composer(html=source, text="Your track: {{ track }}").compose(claimed(), values)
    assert isinstance(mail, MailObject)
    flat = mail.content.replace(b"=\r\n", b"")
    assert b"Your track: AI &amp; Data<" in flat
    assert b"Your track: AI & Data\r\n" in flat
    assert b"/e/c/" in flat
    assert not problems(source, "track")
    assert problems(source) == ["unknown_field"]


@pytest.mark.parametrize("name", sorted(set(EVERY)))
def test_an_attribute_of_any_name_prints_its_value(name: str, workspace: Workspace) -> None:
    made = attributes.add(workspace, label=name, type_="text")
    assert made.key.isidentifier()
    assert made.key not in mergenames.RESERVED
    source = f"[{{{{ {made.key} }}}}]{{% for n in range(2) %}}{{{{ track(n) }}}}{{% endfor %}}"
    rendered = Renderer(subject=source, html=source, text="x").render(
        {made.key: "<AI>", "workspace": {"name": "W"}}, Urls()
    )
    assert rendered.subject.startswith("[<AI>]https://mail.example/e/c/t/0")
    assert rendered.html.startswith("[&lt;AI&gt;]https://mail.example/e/c/t/0")
    assert not problems(f"{{{{ {made.key} }}}}", made.key)


@pytest.mark.parametrize("name", [*mergenames.OBJECTS, *mergenames.FUNCTIONS, *DEFAULT_NAMESPACE])
@pytest.mark.parametrize(
    "source", ["{{ # }}", "{{ #|upper }}", "{{ #|e }}", "{{ # ~ '' }}", "{{ #|default('') }}"]
)
def test_what_is_no_data_prints_nothing(name: str, source: str) -> None:
    source = source.replace("#", name)
    for part in ("html", "text", "subject"):
        assert CompiledPart(source, part).render({}) == ""
    assert problems(source) in (["unknown_field"], ["not_text"])


def test_parts_of_a_loop() -> None:
    parts = "{{ loop.index }}{{ loop.cycle }}{{ loop['changed'] }}{{ loop }}"
    source = f"{{% for n in range(2) %}}{parts}{{% endfor %}}"
    assert CompiledPart(source, "html").render({}) == "12"
    assert problems(source) == ["not_text", "not_text"]
    assert not problems("{% for n in range(2) %}{{ loop.index }}{% endfor %}")


@pytest.mark.parametrize(
    "source", ["{{ workspace }}", "{{ workspace|upper }}", "{{ [email, 2] }}", "{{ range(3) }}"]
)
def test_what_holds_several_values_is_an_error_before_sending(source: str) -> None:
    assert problems(source) == ["not_text"]
    with pytest.raises(RenderError):
        CompiledPart(source, "html").render({"workspace": {"name": "W"}, "email": "a@b.example"})


def test_workspace_and_lists_are_used_as_they_may() -> None:
    source = "{{ workspace.name }}{{ workspace['address'] }}{{ [1, 2]|join }}"
    assert not problems(source + "{% for n in range(3) %}{{ n }}{% endfor %}")


@pytest.mark.parametrize("value", [object(), print, Urls().click, Urls, {1}, b"x", ...])
def test_only_data_is_text(value: object) -> None:
    assert as_text(value) == ""


def test_our_name_for_a_function_can_not_be_written() -> None:
    for source in ("{{ _called_track }}", "{{ _called_track(1) }}", "{% set _called_range = 1 %}"):
        with pytest.raises(RenderError):
            CompiledPart(source, "html")


def test_the_key_of_a_header_is_never_reserved() -> None:
    for name in EVERY:
        assert not mergenames.is_reserved(key_of(name))


def test_the_person_is_told_of_another_key(owner_client: Client, workspace: Workspace) -> None:
    data = {"label": "Preheader", "type": "text"}
    page = owner_client.post("/w/brand/attributes/new/", data, follow=True).content.decode()
    assert "in designs it is {{ preheader_ }}, because {{ preheader }} has another meaning" in page
