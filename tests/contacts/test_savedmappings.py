"""Saved mappings: remembered by name, offered for the same header, applied, renamed and deleted."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Workspace
from contacts import mappings
from contacts.columns import KnownAttribute, describe
from contacts.models import Attribute, Contact, Import, List, SavedMapping
from contacts.services import savedmappings
from tests.contacts.test_imports import ran

pytestmark = pytest.mark.django_db(transaction=True)

SHOP = "Mail,Nom du client,Town,Zahl\nann@a.example,Ann Lee,Bath,5\n"
CHOSEN = ["email", "full_name", "attribute:city", ""]


@pytest.fixture(autouse=True)
def city(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")


def uploaded(client: Client, text: str = SHOP) -> Import:
    client.post("/w/brand/imports/new/", {"pasted": text})
    return Import.objects.latest("pk")


def form(file: Import, mapping: list[str], **more: Any) -> dict[str, Any]:
    """The form of the columns step."""
    return {
        **{name: file.dialect[name] for name in ("encoding", "header", "dates")},
        "delimiter": "comma",
        "list": "",
        "consent": "explicit",
        "known": "fill",
        **{f"column_{number}": target for number, target in enumerate(mapping)},
        **more,
    }


def sent(client: Client, file: Import, mapping: list[str], **more: Any) -> str:
    """The page after the columns were sent; "" for the next step."""
    answer = client.post(f"/w/brand/imports/{file.pk}/columns/", form(file, mapping, **more))
    file.refresh_from_db()
    return "" if answer.status_code == 302 else html.unescape(answer.content.decode())


def remembered(client: Client, name: str = "Shop", text: str = SHOP) -> Import:
    file = uploaded(client, text)
    assert sent(client, file, CHOSEN, remember="on", mapping_name=name) == ""
    return file


def page_of(client: Client, file: Import) -> str:
    return html.unescape(client.get(f"/w/brand/imports/{file.pk}/").content.decode())


def said(page: str) -> str:
    return " ".join(page.split())


def test_the_next_file_begins_with_it(owner_client: Client, workspace: Workspace) -> None:
    ran(remembered(owner_client))
    file = uploaded(owner_client, "MAIL;nom du client;town;ZAHL\nbo@b.example;Bo;Rome;7\n")
    assert file.mapping == ["email", "full_name", "attribute:city", ""]
    page = page_of(owner_client, file)
    assert (
        "The saved mapping “Shop” is for files with these column names, so it was chosen."
        in said(page)
    )
    assert 'value="Shop"' in page  # the name that would be replaced
    again = {f"column_{n}": target for n, target in enumerate(file.mapping)}
    data = form(file, [], **again, saved=str(file.saved_mapping_id))
    data["delimiter"] = "semicolon"
    assert owner_client.post(f"/w/brand/imports/{file.pk}/columns/", data).status_code == 302
    owner_client.post(f"/w/brand/imports/{file.pk}/start/")
    saved = SavedMapping.objects.get()
    assert saved.used_at
    assert Import.objects.get(pk=file.pk).saved_mapping == saved


def test_the_way_back_to_our_own_guess(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client)
    file = uploaded(owner_client)
    at = f"/w/brand/imports/{file.pk}/columns/?reread=1"
    back = html.unescape(owner_client.post(at, form(file, CHOSEN, saved="guess")).content.decode())
    assert '<option value="new:town:text" selected>' in back
    assert "There are saved mappings for files with these column names." in said(back)
    saved = SavedMapping.objects.get()
    there = owner_client.post(at, form(file, ["email"], saved=str(saved.pk))).content.decode()
    assert '<option value="new:town:text" selected>' not in there

    guessed = ["email", "full_name", "new:town:text", "new:zahl:number"]
    assert sent(owner_client, file, guessed, saved="guess") == ""
    assert file.saved_mapping is None
    assert file.mapping == guessed


def test_several_are_offered(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client, "Shop")
    ran(remembered(owner_client, "Warehouse"))  # used last
    file = uploaded(owner_client)
    assert file.saved_mapping
    assert file.saved_mapping.name == "Warehouse"
    page = said(page_of(owner_client, file))
    assert "Saved mapping: Shop" in page
    assert "Saved mapping: Warehouse" in page


def test_other_columns_are_offered_nothing(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client)
    file = uploaded(owner_client, SHOP.replace("Town", "Village"))
    assert file.saved_mapping is None
    assert 'name="saved"' not in page_of(owner_client, file)


def test_another_workspace_sees_nothing(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client)
    other = Workspace.objects.create(name="Other", slug="other")
    own = SavedMapping.objects.get()
    SavedMapping.objects.filter(pk=own.pk).update(workspace=other)
    file = uploaded(owner_client)
    assert file.saved_mapping is None
    assert "Shop" not in owner_client.get("/w/brand/imports/mappings/").content.decode()
    assert owner_client.get(f"/w/brand/imports/mappings/{own.pk}/").status_code == 404
    assert owner_client.post(f"/w/brand/imports/mappings/{own.pk}/delete/").status_code == 404
    page = form(file, CHOSEN, saved=str(own.pk))
    owner_client.post(f"/w/brand/imports/{file.pk}/columns/", page)
    file.refresh_from_db()
    assert file.saved_mapping is None


def test_a_corrected_header_line_is_found_again(owner_client: Client, workspace: Workspace) -> None:
    """The line of the column names may be another one in the next file."""
    title = "Export of 2026,x,y,z\n"
    file = uploaded(owner_client, title + SHOP)
    file.dialect = file.dialect | {"header": 2}
    assert sent(owner_client, file, CHOSEN, remember="on", mapping_name="Shop") == ""
    SavedMapping.objects.update(dates="dmy")
    following = uploaded(owner_client, title * 3 + SHOP)
    assert following.dialect["header"] == 4
    assert following.dialect["dates"] == "dmy"
    assert following.mapping == CHOSEN


def test_a_deleted_attribute_falls_back_to_our_guess(owner_client: Client, city: Attribute) -> None:
    ran(remembered(owner_client))
    city.delete()
    file = uploaded(owner_client)
    assert file.mapping == ["email", "full_name", "new:town:text", ""]
    words = (
        "The attributes of these columns were deleted, so our own guess is chosen for them: Town."
    )
    assert words in said(page_of(owner_client, file))


def test_an_attribute_that_the_import_made_is_used_then(
    owner_client: Client, workspace: Workspace
) -> None:
    file = uploaded(owner_client)
    made = ["email", "full_name", "", "new:zahl:text"]
    assert sent(owner_client, file, made, remember="on", mapping_name="Shop") == ""
    assert uploaded(owner_client).mapping == made  # nothing was imported yet
    owner_client.post(f"/w/brand/imports/{file.pk}/start/")
    assert SavedMapping.objects.get().targets == ["email", "full_name", "", "attribute:zahl"]
    Attribute.objects.filter(key="zahl").delete()
    again = uploaded(owner_client)
    assert again.mapping == ["email", "full_name", "", "new:zahl:number"]
    assert "is chosen for them: Zahl." in said(page_of(owner_client, again))


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"mapping_name": " "}, "Enter a name for the mapping."),
        ({"mapping_name": "x" * 101}, "at most 100 characters"),
        ({"mapping_name": "Taken"}, "is for files with other columns"),
        ({"header": "0"}, "Only the mapping of a file with column names can be remembered."),
    ],
)
def test_what_can_not_be_remembered(
    owner_client: Client, workspace: Workspace, more: dict[str, str], words: str
) -> None:
    SavedMapping.objects.create(workspace=workspace, name="Taken", fingerprint="other")
    file = uploaded(owner_client)
    page = sent(owner_client, file, CHOSEN, **{"remember": "on", "mapping_name": "Shop"} | more)
    assert words in page
    assert '<option value="attribute:city" selected>' in page or "header" in more
    assert SavedMapping.objects.count() == 1


def test_not_ticked_is_not_remembered(owner_client: Client, workspace: Workspace) -> None:
    assert sent(owner_client, uploaded(owner_client), CHOSEN, mapping_name="Shop") == ""
    assert not SavedMapping.objects.exists()


def test_the_same_name_replaces_it(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client)
    file = uploaded(owner_client)
    changed = ["email", "full_name", "", "new:zahl:number"]
    assert sent(owner_client, file, changed, remember="on", mapping_name="Shop") == ""
    assert SavedMapping.objects.get().targets == changed


def test_a_workspace_has_only_so_many(
    owner_client: Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(savedmappings, "MOST", 1)
    file = remembered(owner_client)
    words = "The workspace has 1 saved mappings, and can't have more. Delete one first."
    page = sent(owner_client, file, CHOSEN, remember="on", mapping_name="Another")
    assert words in page
    assert sent(owner_client, file, CHOSEN, remember="on", mapping_name="Shop") == ""


def test_the_list_renames_and_deletes(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client, "Shop")
    remembered(owner_client, "Warehouse")
    saved = SavedMapping.objects.get(name="Shop")
    at = "/w/brand/imports/mappings/"
    assert f'href="{at}"' in owner_client.get("/w/brand/imports/new/").content.decode()
    page = owner_client.get(at).content.decode()
    assert "Mail · Nom du client · Town · Zahl" in page
    taken = owner_client.post(f"{at}{saved.pk}/", {"name": "Warehouse"})
    assert "There is a saved mapping with this name already." in taken.content.decode()
    assert owner_client.post(f"{at}{saved.pk}/", {"name": "Web shop"}).status_code == 302
    saved.refresh_from_db()
    assert saved.name == "Web shop"
    gone = owner_client.post(f"{at}{saved.pk}/delete/", follow=True)
    assert "The mapping Web shop is deleted." in gone.content.decode()
    assert SavedMapping.objects.get().name == "Warehouse"


def test_an_import_outlives_its_mapping(owner_client: Client, workspace: Workspace) -> None:
    remembered(owner_client)
    file = uploaded(owner_client)
    SavedMapping.objects.all().delete()
    assert 'name="saved"' not in page_of(owner_client, file)
    ran(file)
    assert Contact.objects.get().attributes == {"city": "Bath"}


def test_on_the_command_line(
    owner_client: Client,
    city: Attribute,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    remembered(owner_client)
    path = tmp_path / "people.csv"
    path.write_text(SHOP, "utf-8")
    command = ("import_contacts", str(path), "--workspace=brand", "--list=News")
    call_command(*command, "--mapping=Shop", "--map=Zahl=new:number", "--json")
    assert json.loads(capsys.readouterr().out)["new"] == 1
    person = Contact.objects.get()
    assert (person.full_name, person.attributes) == ("Ann Lee", {"city": "Bath", "zahl": 5})
    assert SavedMapping.objects.get().used_at

    city.delete()
    call_command(*command, "--mapping=Shop", "--dry-run")
    assert "were deleted; they become what is guessed: Town." in capsys.readouterr().out
    with pytest.raises(CommandError, match=r'no saved mapping "Store"\. There are: Shop\.'):
        call_command(*command, "--mapping=Store")
    path.write_text("email,city\na@b.example,X\n", "utf-8")
    with pytest.raises(CommandError, match="is for files with other column names"):
        call_command(*command, "--mapping=Shop")
    assert List.objects.count() == 1


def test_the_command_uses_none_unasked(
    owner_client: Client, workspace: Workspace, tmp_path: Path
) -> None:
    remembered(owner_client)
    path = tmp_path / "people.csv"
    path.write_text(SHOP, "utf-8")
    call_command("import_contacts", str(path), "--workspace=brand")
    assert "town" in Contact.objects.get().attributes


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (["E-Mail", "First name"], ["email", " FIRST NAME "], True),
        (["Email", "City", "", ""], ["email", "city"], True),
        (["Email", "City"], ["City", "Email"], False),
        (["Email", "", "City"], ["Email", "City"], False),
        (["姓名", "邮箱"], ["姓 名", "邮箱"], True),
    ],
)
def test_fingerprints(one: list[str], other: list[str], same: bool) -> None:
    assert (mappings.fingerprint(one) == mappings.fingerprint(other)) is same


def test_a_header_without_names_has_no_fingerprint() -> None:
    assert mappings.fingerprint(["", " ", "-"]) == ""


def test_a_new_attribute_has_the_key_that_the_page_offers() -> None:
    """`town` was another attribute when the mapping was saved."""
    described = describe([["Mail", "Town"], ["a@b.example", "Bath"]], header=True)
    assert mappings.applied(["email", "new:town_2:date"], described, []).targets == [
        "email",
        "new:town:date",
    ]


def test_a_guess_takes_no_target_of_another_column() -> None:
    """The attribute of "Mail 2" was deleted, and our guess for it is the address."""
    described = describe([["Mail", "E-mail", "Town"], ["a@b.example", "", "Bath"]], header=True)
    known = [KnownAttribute("town", "Town", "text")]
    found = mappings.applied(["email", "attribute:gone", "new:town:text"], described, known)
    assert found.targets[0] == "email"
    assert found.targets[1] != "email"
    assert (found.targets[2], found.lost) == ("attribute:town", [1])


def test_the_page_of_a_mapping_says_what_it_does(
    owner_client: Client, workspace: Workspace
) -> None:
    Attribute.objects.create(workspace=workspace, key="town", label="Home town", type="text")
    saved = SavedMapping.objects.create(
        workspace=workspace,
        name="Shop",
        fingerprint="x",
        header=["Mail", "Ort", "Note", "Old", "", "Wants", "Tags", "No 8", "No 9"],
        targets=(
            "email attribute:town new:note:text attribute:old full_name accepts tags".split()
            + [""] * 2
        ),
        dates="dmy",
    )
    page = owner_client.get(f"/w/brand/imports/mappings/{saved.pk}/").content.decode()
    cells = [" ".join(cell.split()) for cell in re.findall(r"<td[^>]*>(.*?)</td>", page, re.DOTALL)]
    texts = [re.sub(r"<[^>]+>", "", cell).strip() for cell in cells]
    assert list(zip(texts[::2], texts[1::2], strict=True)) == [
        ("Mail", "E-mail address"),
        ("Ort", "Home town"),
        ("Note", "New attribute “Note”"),
        ("Old", "The attribute old, which was deleted: guessed anew"),
        ("Column 5", "Full name"),
        ("Wants", "Wants mail (yes or no)"),
        ("Tags", "Tags (added, never removed)"),
        ("No 8", "left out"),
        ("No 9", "left out"),
    ]
    assert "Dates: Day first" in page
    listed = owner_client.get("/w/brand/imports/mappings/").content.decode()
    assert "No 8 … (9 columns)" in " ".join(listed.split())
