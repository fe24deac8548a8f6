"""People are found by what pages show of them: on the contacts page, in Ctrl-K, in "Preview as"."""

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import names
from contacts.models import Contact, Suppression
from contacts.queries import people as people_query
from designs.models import Design

pytestmark = pytest.mark.django_db

PEOPLE = {
    "split": ("明", "李", ""),
    "whole": ("", "", "李明"),
    "spaced": ("", "", "李 明"),
    "wide": ("", "", "李\u3000明"),
    "first": ("李明", "", ""),
    "double": ("莉", "欧阳", ""),
    "rare": ("\U00020bb7", "吉", ""),
    "kana": ("たろう", "やまだ", ""),
    "hangul": ("민준", "김", ""),
    "latin": ("Ann", "Lee", ""),
    "mixed": ("明", "Lee", ""),
    "accent": ("Zoë", "Müller", ""),
    "percent": ("100%", "", ""),
    "under": ("a_b", "", ""),
    "slash": ("a\\b", "", ""),
    # What would be found if words went over from one part into the next.
    "apart": ("伟", "王", "赵强"),
}
LI_MING = {"split", "whole", "spaced", "wide", "first"}
FOUND = [
    ("李明", LI_MING),
    ("李 明", LI_MING),
    ("李\u3000明", LI_MING),
    # The order of whoever thinks of the first name first. Of a whole name nobody knows the parts.
    ("明李", {"split"}),
    ("明 李", LI_MING),
    ("李", LI_MING),
    ("明", LI_MING | {"mixed"}),
    ("split@x 李明", {"split"}),
    ("split@x.example", {"split"}),
    ("欧阳莉", {"double"}),
    ("欧阳 莉", {"double"}),
    ("阳莉", {"double"}),
    ("吉\U00020bb7", {"rare"}),
    ("やまだたろう", {"kana"}),
    ("やま", {"kana"}),
    ("김민준", {"hangul"}),
    ("Ann Lee", {"latin"}),
    ("lee ann", {"latin"}),
    ("annlee", {"latin"}),
    ("LeeAnn", {"latin"}),
    # One or two letters are the beginning of a word: the index has no others.
    ("nn", set()),
    ("an", {"latin"}),
    ("LE", {"latin", "mixed"}),
    ("ann le", {"latin"}),
    ("mü", {"accent"}),
    ("zo", {"accent"}),
    ("ex", set(PEOPLE)),
    ("x", set(PEOPLE)),
    ("a_", {"under"}),
    ("b", {"under"}),
    ("10", {"percent"}),
    ("まだ", {"kana"}),
    ("明 Lee", {"mixed"}),
    ("lee明", {"mixed"}),
    ("zoë müller", {"accent"}),
    ("MÜLLER", {"accent"}),
    ("100%", {"percent"}),
    ("%", {"percent"}),
    ("_", {"under"}),
    ("a_b", {"under"}),
    ("a\\b", {"slash"}),
    ("强王", set()),
    ("李_明", set()),
    ("李%", set()),
    ("王伟", {"apart"}),
    ("赵强", {"apart"}),
    ("小李明", set()),
]


@pytest.fixture
def people(workspace: Workspace) -> dict[str, Contact]:
    return {
        name: Contact.objects.create(
            workspace=workspace,
            email=f"{name}@x.example",
            first_name=first,
            last_name=last,
            full_name=full,
        )
        for name, (first, last, full) in PEOPLE.items()
    }


def found(workspace: Workspace, text: str) -> set[str]:
    here = people_query.search(Contact.objects.filter(workspace=workspace), text)
    return {contact.email.partition("@")[0] for contact in here}


@pytest.mark.usefixtures("people")
def test_names_as_they_are_shown(workspace: Workspace) -> None:
    assert {text: found(workspace, text) for text, _ in FOUND} == dict(FOUND)


def test_everybody_is_found_by_the_name_that_is_shown(
    workspace: Workspace, people: dict[str, Contact]
) -> None:
    for name, one in people.items():
        shown = names.full(one.first_name, one.last_name, one.full_name)
        assert name in found(workspace, shown), shown
        assert name in found(workspace, shown.replace(" ", "").replace("\u3000", "")), shown


def test_a_domain_in_its_own_letters(workspace: Workspace, owner_client: Client) -> None:
    Contact.objects.create(workspace=workspace, email="lan@xn--bcher-kva.example")
    Contact.objects.create(workspace=workspace, email="wei@xn--fsqu00a.example")
    assert found(workspace, "lan@bücher.example") == {"lan"}
    assert found(workspace, "bücher.example") == {"lan"}
    assert found(workspace, "xn--bcher") == {"lan"}
    assert found(workspace, "例子.example") == {"wei"}
    Suppression.objects.create(
        workspace=workspace, kind="domain", value="xn--bcher-kva.example", reason="manual"
    )
    page = owner_client.get(reverse("suppressions", args=["brand"]), {"q": "bücher.example"})
    assert "@bücher.example" in page.content.decode()


@pytest.mark.parametrize("text", ["李明", "李", "lee 明"])
def test_every_place_finds_them(
    workspace: Workspace, people: dict[str, Contact], owner_client: Client, text: str
) -> None:
    Design.objects.create(workspace=workspace, name="Spring", html="<p>Hello</p>")
    wanted = "mixed@x.example" if "lee" in text else "split@x.example"
    for page in ("contacts", "search", "design_people"):
        answer = owner_client.get(reverse(page, args=["brand"]), {"q": text})
        words = answer.content.decode()
        assert wanted in words, page
        assert "latin@x.example" not in words, page


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("gone@x.example", "gone@x.example"),
        (" Gone@X.example ", "gone@x.example"),
        ("Gone <gone@x.example>", "gone@x.example"),
        ("a@bücher.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("@bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_suppression_of_no_contact_is_found(
    workspace: Workspace, other_workspace: Workspace, owner_client: Client, typed: str, value: str
) -> None:
    Contact.objects.create(workspace=workspace, email="somebody@x.example")
    kind = "address" if "@" in value else "domain"
    stop = Suppression.objects.create(
        workspace=workspace, kind=kind, value=value, reason="complained", detail="Feedback loop"
    )
    Suppression.objects.create(
        workspace=other_workspace, kind=kind, value=value, reason="manual", detail="theirs"
    )
    url = f"/w/brand/suppressions/?id={stop.pk}"
    page = owner_client.get(reverse("contacts", args=["brand"]), {"q": typed}).content.decode()
    assert f'href="{url}"' in page
    for words in ("Complaint", "Feedback loop", "gets" if "@" in value else "Nobody at"):
        assert words in page
    assert "theirs" not in page
    found = owner_client.get(reverse("search", args=["brand"]), {"q": typed}).content.decode()
    assert f'href="{url}"' in found
    Suppression.objects.filter(pk=stop.pk).update(lifted_at=timezone.now())
    page = owner_client.get(reverse("contacts", args=["brand"]), {"q": typed}).content.decode()
    assert url not in page


@pytest.mark.parametrize("typed", ["gone", "x", "", "@", "a b", "x@", "\x00", "." * 5000])
def test_what_is_no_address_is_looked_up_nowhere(workspace: Workspace, typed: str) -> None:
    assert people_query.suppressions_of(workspace, typed) == []


def test_the_index_is_used(workspace: Workspace) -> None:
    """Whatever the planner thinks of a small table: each hanzi has a trigram in the index."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off")
        for text in ("李明", "李", "annlee", "qz", "q"):
            plan = people_query.search(Contact.objects.all(), text).explain()
            assert "contact_search_shown" in plan, plan
        cursor.execute("SELECT show_trgm(contacts_spaced('李明'))")
        assert len(cursor.fetchone()[0]) >= 4


@pytest.mark.parametrize(
    ("given", "spaced"),
    [
        ("", ""),
        ("Ann  Lee", "Ann  Lee"),
        ("李明", " 李 明 "),
        (" 李 \u3000 明", " 李 明 "),
        ("Zoë\u00a0M", "Zoë M"),
        ("a李b", "a 李 b"),
    ],
)
def test_spaced(given: str, spaced: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contacts_spaced(%s), contacts_spaced(contacts_spaced(%s))", [given] * 2
        )
        assert cursor.fetchone() == (spaced, spaced)


def test_one_and_two_letters_say_what_they_find(
    workspace: Workspace, people: dict[str, Contact], owner_client: Client
) -> None:
    def words(text: str) -> str:
        return owner_client.get(reverse("contacts", args=["brand"]), {"q": text}).content.decode()

    assert "Only words that begin with “an” are found." in words("lee an")
    assert "Only words" not in words("ann 明")
