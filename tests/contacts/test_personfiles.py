"""The file about a person: everything that is known, as JSON and as PDF."""

import json
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pypdf import PdfReader

from accounts.models import Workspace
from contacts.erasures import ErasedPerson
from contacts.models import Attribute, Contact, List, Suppression
from contacts.personfile import Fact, Section, sections
from contacts.preferencemodels import PreferenceChoice
from contacts.provenance import BY_HAND, Source
from contacts.services import contactmerge, erasing, lists, openconsent, personfiles, tags
from contacts.services import contacts as contact_service
from contacts.services.contactmerge import Values
from tests.contacts.test_imports import imported
from tests.factories import make_contact

pytestmark = pytest.mark.django_db
EMAIL = "wei@b.example"
URL = "/w/brand/contacts/person"
KEYS = [
    *("contact", "addresses", "attributes", "tags", "subscriptions", "open_consents", "choices"),
    *("imports", "suppressions"),
]


@pytest.fixture
def wei(workspace: Workspace) -> Contact:
    """Imported, on a list, with all that this app stores of a person."""
    Workspace.objects.filter(pk=workspace.pk).update(postal_address="1 High Street")
    Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")
    imported(workspace, f"email,Full name,City\n{EMAIL},张伟,الرياض\n")
    person = Contact.objects.get(email=EMAIL)
    news = List.objects.create(workspace=workspace, name="News")
    only = Contact.objects.filter(pk=person.pk)
    lists.subscribe(news, only, source=BY_HAND, consent="explicit")
    (tag,) = tags.make(workspace, ["VIP"])
    tags.add(tag, only, source=BY_HAND)
    openconsent.give([person.pk], BY_HAND, text="Count my opens", ip="192.0.2.7")
    PreferenceChoice.objects.create(
        contact=person, message_id=1, kind="left", value="Offers", words="I am in"
    )
    Suppression.objects.create(
        workspace=workspace,
        kind="address",
        value=EMAIL,
        reason="hard_bounced",
        detail="550 no such user",
        lifted_at=timezone.now(),
        **Source("campaign", 7).columns,
    )
    return person


def read_json(client: Client, address: str = EMAIL) -> dict[str, Any]:
    answer = client.get(f"{URL}.json", {"q": address})
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    assert address not in answer["Content-Disposition"]
    found: dict[str, Any] = json.loads(answer.getvalue())
    return found


def read_pdf(client: Client, address: str = EMAIL) -> str:
    answer = client.get(f"{URL}.pdf", {"q": address})
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    pages = PdfReader(BytesIO(answer.getvalue())).pages
    return "\n".join(page.extract_text() for page in pages)


def test_json_has_everything_with_its_source(owner_client: Client, wei: Contact) -> None:
    file = read_json(owner_client)
    assert (file["format"], file["version"], file["asked_for"]) == ("yanshu-person", 1, EMAIL)
    assert file["holder"]["name"] == wei.workspace.name
    assert file["holder"]["postal_address"] == "1 High Street"
    assert file["cut"] == {}
    found = file["sections"]
    assert [key for key in found if key in KEYS] == KEYS
    (contact,) = found["contact"]
    assert (contact["full_name"], contact["source"]["name"]) == ("张伟", "people.csv")
    (city,) = found["attributes"]
    assert (city["key"], city["name"], city["value"]) == ("city", "City", "الرياض")
    assert [one["tag"] for one in found["tags"]] == ["VIP"]
    (place,) = found["subscriptions"]
    assert (place["list"], place["status"], place["consent"]) == ("News", "subscribed", "explicit")
    assert place["source"]["kind"] == "page"
    (answer,) = found["open_consents"]
    assert (answer["given"], answer["text"], answer["ip"]) == (True, "Count my opens", "192.0.2.7")
    assert [one["text"] for one in found["choices"]] == ["I am in"]
    assert [one["file"] for one in found["imports"]] == ["people.csv"]
    (stop,) = found["suppressions"]
    assert (stop["reason"], stop["words"]) == ("hard_bounced", "550 no such user")
    assert stop["lifted_at"]


@pytest.mark.usefixtures("wei")
def test_the_pdf_says_it_in_words(owner_client: Client) -> None:
    text = read_pdf(owner_client)
    for words in (
        f"Data about {EMAIL}",
        "1 High Street",
        "张伟",
        "From: people.csv",
        "VIP",
        "News",
        "Agreed to get mail (opt-in)",
        "The text that was shown: “Count my opens”",
        "From the network address 192.0.2.7",
        "550 no such user",
    ):
        assert words in text, words
    # The letters of الرياض, in the forms of their places.
    assert {"\ufe8d", "\ufedf", "\ufeae", "\ufef3", "\ufe8e", "\ufebd"} <= set(text)
    assert "Unicode names" not in text


def test_letters_without_a_font_are_named(owner_client: Client, wei: Contact) -> None:
    Contact.objects.filter(pk=wei.pk).update(first_name="สม")
    text = read_pdf(owner_client)
    assert "‹so sua mo ma›" in text
    assert "written by their Unicode names" in " ".join(text.split())


@pytest.mark.usefixtures("wei")
def test_in_the_readers_language(owner_client: Client) -> None:
    owner_client.cookies["django_language"] = "zh-hans"
    assert read_json(owner_client)["language"] == "zh-hans"


def test_former_addresses_belong_to_it(
    owner_client: Client, workspace: Workspace, wei: Contact
) -> None:
    other = make_contact(workspace, "old@b.example")
    Suppression.objects.create(
        workspace=workspace, kind="address", value=other.email, reason="manual"
    )
    contactmerge.merge(wei, other, Values({}, {}))
    contact_service.update(wei, email="new@b.example", known_names={}, attributes={})
    file = read_json(owner_client, "new@b.example")
    assert file["all_addresses"] == ["new@b.example", "old@b.example", EMAIL]
    kinds = {one["address"]: one["kind"] for one in file["sections"]["addresses"]}
    assert kinds == {EMAIL: "former", "old@b.example": "of_merged_contact"}
    assert "old@b.example" in {one["address"] for one in file["sections"]["suppressions"]}
    found = owner_client.get("/w/brand/search/", {"q": EMAIL.upper()}).content.decode()
    assert f"had the address {EMAIL} before" in found
    # The former address alone tells nothing of who has another one now, but to colleagues.
    assert read_json(owner_client)["sections"]["contact"] == []
    page = owner_client.get("/w/brand/suppressions/why/", {"q": EMAIL}).content.decode()
    assert "This contact had the address before" in page


def test_who_was_erased(owner_client: Client, workspace: Workspace, wei: Contact) -> None:
    erasing.erase(workspace, EMAIL, by=None)
    file = read_json(owner_client)
    (stop,) = file["sections"]["suppressions"]
    assert (stop["kind"], stop["value"]) == ("erased", "")
    assert not any(rows for key, rows in file["sections"].items() if key != "suppressions")
    assert "The data of this person was erased" in " ".join(read_pdf(owner_client).split())


def test_a_stranger_has_an_empty_file(owner_client: Client) -> None:
    file = read_json(owner_client, "who@c.example")
    assert not any(file["sections"].values())
    assert "No contact has this address now" in read_pdf(owner_client, "who@c.example")


def test_a_bound_that_cuts_is_said(
    owner_client: Client, workspace: Workspace, wei: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def many(_person: ErasedPerson) -> Iterator[Fact]:
        for number in range(5):
            yield Fact({"number": number}, f"fact {number}")

    monkeypatch.setattr(personfiles, "MOST_JSON", 3)
    monkeypatch.setattr(personfiles, "MOST_PDF", 2)
    known = list(sections)
    monkeypatch.setattr(personfiles, "sections", [*known, Section("many", "Many", many)])
    file = read_json(owner_client)
    assert [one["number"] for one in file["sections"]["many"]] == [0, 1, 2]
    assert file["cut"] == {"many": 3}
    text = read_pdf(owner_client)
    assert "fact 1" in text
    assert "fact 2" not in text
    assert "Only the newest 2 are here." in text


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c"])
def test_what_is_no_address_is_said_by_the_page(owner_client: Client, address: str) -> None:
    answer = owner_client.get(f"{URL}.pdf", {"q": address})
    assert answer["Location"].startswith("/w/brand/suppressions/why/?q=")


def test_another_workspace_knows_nothing(
    owner_client: Client, other_workspace: Workspace, wei: Contact
) -> None:
    theirs = make_contact(other_workspace, "far@c.example", first_name="Far")
    file = read_json(owner_client, theirs.email)
    assert not any(file["sections"].values())


def test_the_log_says_who_got_it(
    owner_client: Client, wei: Contact, caplog: pytest.LogCaptureFixture
) -> None:
    read_json(owner_client)
    (line,) = [one for one in caplog.records if one.message == "person's data exported"]
    assert EMAIL not in str(line.__dict__)


@pytest.mark.usefixtures("wei")
def test_the_pages_lead_to_it(owner_client: Client, wei: Contact) -> None:
    for url in (f"/w/brand/contacts/{wei.pk}/", f"/w/brand/suppressions/why/?q={EMAIL}"):
        page = owner_client.get(url).content.decode()
        for form in ("json", "pdf"):
            assert f'href="{URL}.{form}?q=wei%40b.example"' in page
