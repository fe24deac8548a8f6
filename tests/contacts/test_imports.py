"""Imports through the services, on a real database: counts, merging, what is never revived."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import csvdetect, jobkinds, values
from contacts.models import (
    Attribute,
    Contact,
    Import,
    ImportChunk,
    ImportReject,
    List,
    Subscription,
    Suppression,
)
from contacts.provenance import BY_HAND, Source
from contacts.queries import mailable
from contacts.queries.importundo import Undone
from contacts.services import (
    attributes,
    importchecks,
    importchoices,
    importrun,
    imports,
    importuploads,
    jobs,
    lists,
    preferences,
    suppressions,
)
from sending.blocks import BITS, SIZE
from sending.models import Message
from sending.queries import blocks
from tests import factories
from tests.contacts import jobscene
from tests.contacts.files import torture
from tests.loglines import named

pytestmark = pytest.mark.django_db(transaction=True)


def received(workspace: Workspace, data: bytes | str, name: str = "people.csv") -> Import:
    pieces: Iterable[bytes] = [data if isinstance(data, bytes) else data.encode()]
    return importuploads.receive(workspace, filename=name, pieces=pieces, by=None, limit=1 << 30)


def chosen(file: Import, *, target: List | None = None, **changes: object) -> Import:
    choice: dict[str, Any] = {
        "dialect": file.dialect,
        "mapping": file.mapping,
        "known": "fill",
    } | changes
    importchoices.configure(file, target=target, consent="explicit", **choice)
    return file


def ran(file: Import, size: int = 1000) -> dict[str, int]:
    imports.start(file, enqueue=None)
    while importrun.run(file.pk, size=size):
        pass
    file.refresh_from_db()
    assert file.state == Import.State.FINISHED, file.error
    counts: dict[str, int] = file.counts
    return counts


def imported(workspace: Workspace, data: bytes | str, **choices: object) -> dict[str, int]:
    return ran(chosen(received(workspace, data), **choices))  # type: ignore[arg-type]


@pytest.fixture
def news(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="News")


def test_start_end_and_undo_are_lines(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "contacts")
    file = chosen(received(workspace, "email\na@x.example\nb@x.example\nwrong\n"))
    ran(file)
    imports.undo(file)
    own = {"import": file.pk, "workspace": workspace.pk}
    assert named(caplog, "import started") == [own | {"bytes": file.size}]
    (finished,) = named(caplog, "import finished")
    assert finished.items() >= (own | {"rows": 3, "new": 2, "rejected": 1}).items()
    assert named(caplog, "import undone") == [own]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "delimiter", "eol"),
    [
        ("utf-8", ",", "\r\n"),
        ("utf-8-sig", ";", "\n"),
        ("gb18030", "\t", "\r\n"),
        ("utf-16", "\t", "\r\n"),
        ("utf-8", "|", "\r"),
    ],
)
def test_ten_thousand_rows_as_they_come(
    workspace: Workspace, news: List, encoding: str, delimiter: str, eol: str
) -> None:
    data, expected = torture(10_000, encoding=encoding, delimiter=delimiter, eol=eol)
    file = chosen(received(workspace, data), target=news)
    assert file.dialect["delimiter"] == delimiter
    checked = importchecks.check(file, rows=None)
    counts = ran(file, size=1777)
    assert counts["rows"] == 10_000 == expected.rows
    assert counts["new"] == expected.valid == Contact.objects.count()
    assert counts["rejected"] == expected.invalid
    assert counts["duplicate"] == expected.duplicates
    assert counts["unusable"] == expected.unusable
    assert counts["subscribed"] == expected.valid == news.subscriptions.count()
    assert ImportReject.objects.filter(kept=False).count() == expected.invalid
    assert checked.whole
    for name in ("rows", "new", "rejected", "duplicate"):
        assert checked.counts[name] == counts[name], name

    again = imported(workspace, data, target=news)
    assert again["unchanged"] == expected.valid
    assert again["new"] == again["updated"] == again["subscribed"] == 0
    assert Contact.objects.count() == expected.valid


def test_check_changes_nothing(workspace: Workspace) -> None:
    file = chosen(received(workspace, "email,city\na@b.example,X\nbad\n"))
    checked = importchecks.check(file)
    assert (checked.counts["new"], checked.counts["rejected"]) == (1, 1)
    assert checked.samples[0]["email"] == "a@b.example"
    assert checked.rejects[0].reason == "no_at"
    assert not Contact.objects.exists()
    assert not Attribute.objects.exists()


def test_new_attributes_are_typed(workspace: Workspace) -> None:
    data = (
        "邮箱,姓名,公司,金额,注册日期,会员\n"
        'a@b.example,王伟,北京华信,"1,234.50",2024年3月5日,是\n'
        "c@d.example,李娜,上海远东,7,2024-04-01,否\n"
    )
    imported(workspace, data.encode("gb18030"))
    assert Contact.objects.get(email="a@b.example").attributes == {
        "company": "北京华信",
        "金额": 1234.5,
        "signup_date": "2024-03-05",
        "会员": True,
    }
    assert {a.key: a.type for a in Attribute.objects.all()} == {
        "company": "text",
        "金额": "number",
        "signup_date": "date",
        "会员": "boolean",
    }
    assert list(Attribute.objects.values_list("label", flat=True)) == [
        "公司", "金额", "注册日期", "会员",
    ]  # fmt: skip
    assert Contact.objects.get(email="c@d.example").full_name == "李娜"


@pytest.mark.parametrize(
    ("cell", "email", "more"),
    [
        ("a@b.example,c@d.example", "a@b.example", "c@d.example"),
        ("a@b.example ::: c@d.example ::: e@f.example", "a@b.example", "c@d.example, e@f.example"),
        ("Ann, B. <A@b.example>; Li <c@d.example>", "a@b.example", "c@d.example"),
        ("a@b.example、c@d.example", "a@b.example", "c@d.example"),
        ("a@nodot;c@d.example;mailto:e@f.example", "c@d.example", "e@f.example"),
    ],
)
def test_the_first_of_several_addresses_is_imported(
    workspace: Workspace, cell: str, email: str, more: str
) -> None:
    counts = imported(workspace, f'email,city\n"{cell}",Oslo\n')
    assert (counts["new"], counts["rejected"], counts["unusable"]) == (1, 0, 1)
    assert Contact.objects.get().email == email
    note = ImportReject.objects.get()
    assert (note.line, note.reason, note.kept, note.value) == (2, "more_addresses", True, more)


def test_an_address_that_is_twice_in_its_cell_is_one(workspace: Workspace) -> None:
    counts = imported(workspace, 'email,city\n"a@b.example, A@B.example",Oslo\n')
    assert (counts["new"], counts["rejected"], counts["unusable"]) == (1, 0, 0)


def test_several_addresses_none_of_which_is_one(workspace: Workspace) -> None:
    counts = imported(workspace, 'email,city\n"a@nodot, b@nodot",Oslo\n')
    assert (counts["new"], counts["rejected"]) == (0, 1)
    assert ImportReject.objects.get().reason == "several_addresses"


def test_excel_day_numbers_among_dates(workspace: Workspace) -> None:
    data = "email,joined,spent\na@b.example,2024-03-05,45356\nc@d.example,45356,45357\n"
    imported(workspace, data)
    assert Contact.objects.get(email="c@d.example").attributes == {
        "joined": "2024-03-05",
        "spent": 45357,
    }


@pytest.mark.parametrize(("text", "day"), [("45356", "2024-03-05"), ("20000.75", "1954-10-03")])
def test_excel_day_numbers(text: str, day: str) -> None:
    assert values.parse("date", text) == day


@pytest.mark.parametrize("text", ["19999", "80001", "453560", "-45356"])
def test_other_numbers_are_no_dates(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        values.parse("date", text)


def test_short_rows_hide_no_date_order(workspace: Workspace) -> None:
    """A column that some rows don't reach still says how the file writes dates."""
    data = "email,joined\na@b.example,25/12/2024\nc@d.example\ne@f.example,3/5/2024\n"
    file = received(workspace, data)
    assert file.dialect["dates"] == "dmy"


def test_a_bad_value_is_reported_and_the_person_kept(workspace: Workspace) -> None:
    Attribute.objects.create(workspace=workspace, key="born", label="Born", type="date")
    counts = imported(workspace, "email,born\na@b.example,soon\nc@d.example,2001-02-03\n")
    assert (counts["new"], counts["rejected"], counts["unusable"]) == (2, 0, 1)
    assert Contact.objects.get(email="a@b.example").attributes == {}
    note = ImportReject.objects.get()
    assert (note.line, note.reason, note.kept, note.value) == (2, "value_date", True, "soon")


@pytest.mark.parametrize(
    ("known", "first_name", "attributes", "outcome"),
    [
        ("fill", "Ann", {"city": "Rome", "team": "A"}, "updated"),
        ("overwrite", "Anna", {"city": "Oslo", "team": "A"}, "updated"),
        ("skip", "Ann", {"city": "Rome"}, "unchanged"),
    ],
)
def test_known_contacts(  # noqa: PLR0917
    workspace: Workspace, news: List, known: str, first_name: str, attributes: object, outcome: str
) -> None:
    for key in ("city", "team"):
        Attribute.objects.create(workspace=workspace, key=key, label=key)
    contact = Contact.objects.create(
        workspace=workspace, email="a@b.example", first_name="Ann", attributes={"city": "Rome"}
    )
    data = "email,first_name,last_name,city,team\nA@B.example,Anna,,Oslo,A\n"
    counts = imported(workspace, data, known=known, target=news)
    contact.refresh_from_db()
    assert contact.first_name == first_name
    assert contact.attributes == attributes
    assert counts[outcome] == counts["rows"] == counts["subscribed"] == 1


def test_an_empty_cell_deletes_nothing(workspace: Workspace) -> None:
    Contact.objects.create(workspace=workspace, email="a@b.example", first_name="Ann")
    counts = imported(workspace, "email,first_name\na@b.example,\n", known="overwrite")
    assert counts["unchanged"] == 1
    assert Contact.objects.get().first_name == "Ann"


def test_nobody_is_revived(workspace: Workspace, news: List) -> None:
    left = Contact.objects.create(workspace=workspace, email="left@b.example")
    Subscription.objects.create(list=news, contact=left, status="unsubscribed")
    for value, kind in (("bounced@b.example", "address"), ("gone.example", "domain")):
        suppressions.suppress(workspace, value=value, kind=kind, reason="manual", source=BY_HAND)
    counts = imported(
        workspace,
        "email\nleft@b.example\nbounced@b.example\nx@gone.example\nok@b.example\n",
        target=news,
    )
    assert (counts["suppressed"], counts["unchanged"], counts["new"]) == (2, 1, 1)
    assert counts["subscribed"] == 1
    assert news.subscriptions.get(contact=left).status == "unsubscribed"
    assert set(Contact.objects.values_list("email", flat=True)) == {
        "left@b.example",
        "ok@b.example",
    }
    assert Suppression.objects.filter(lifted_at=None).count() == 2


def test_a_lifted_suppression_counts_no_more(workspace: Workspace) -> None:
    one = suppressions.suppress(
        workspace, value="a@b.example", kind="address", reason="manual", source=BY_HAND
    )
    assert suppressions.lift(one, None)
    assert imported(workspace, "email\na@b.example\n")["new"] == 1


def test_control_characters_and_times_in_a_file(workspace: Workspace) -> None:
    attributes.add(workspace, label="City", type_="text")
    attributes.add(workspace, label="Born", type_="date")
    few = "x" * 4000  # many of them, and the file is no text
    text = f"email,city,born,notes\na@x.example,Zü\x07\x1brich\x02,12:30,{few}\n"
    file = received(workspace, f"{text}b@x.example,\x07,soon,{few}\n")
    mapping = ["email", "attribute:city", "attribute:born", ""]
    ran(chosen(file, mapping=mapping))
    stored = dict(Contact.objects.values_list("email", "attributes"))
    assert stored == {"a@x.example": {"city": "Zürich"}, "b@x.example": {}}
    notes = ImportReject.objects.order_by("line").values_list("reason", "value")
    assert list(notes) == [("value_time", "12:30"), ("value_date", "soon")]


def test_the_text_of_the_consent_is_kept_and_shown(
    workspace: Workspace, news: List, owner_client: Client
) -> None:
    words = "Yes, send me the newsletter."
    file = received(workspace, "email\na@x.example\n")
    form = {
        **{name: file.dialect[name] for name in ("encoding", "header", "dates")},
        "delimiter": "comma",
        "list": str(news.pk),
        "consent": "explicit",
        "known": "fill",
        "column_0": "email",
    }
    url = f"/w/brand/imports/{file.pk}/columns/"
    long = owner_client.post(url, form | {"consent_text": "x" * 4001}).content.decode()
    assert "The text may have 4,000 characters." in long
    kept = owner_client.post(f"/w/brand/imports/{file.pk}/draft/", form | {"consent_text": words})
    assert kept.status_code == 204
    owner_client.post(url, form | {"consent_text": words})
    file.refresh_from_db()
    assert file.consent_text == words
    ran(file)
    person = Contact.objects.get()
    assert words in owner_client.get(f"/w/brand/contacts/{person.pk}/").content.decode()
    assert words in owner_client.get(f"/w/brand/imports/{file.pk}/").content.decode()
    assert imports.again(file, by=None).consent_text == words


def test_what_the_file_says_about_consent_is_honoured(workspace: Workspace, news: List) -> None:
    known = Contact.objects.create(workspace=workspace, email="was@b.example")
    lists.subscribe(news, Contact.objects.filter(pk=known.pk), source=BY_HAND)
    data = (
        "Email,Status\n"
        "yes@b.example,subscribed\n"
        "no@b.example,Unsubscribed\n"
        "was@b.example,unsubscribed\n"
        "twice@b.example,\n"
        "dead@b.example,cleaned\n"
        "angry@b.example,complained\n"
        "twice@b.example,unsubscribed\n"
    )
    counts = imported(workspace, data, target=news)
    states = dict(news.subscriptions.values_list("contact__email", "status"))
    assert states == {
        "yes@b.example": "subscribed",
        "no@b.example": "unsubscribed",
        "was@b.example": "unsubscribed",
        "twice@b.example": "unsubscribed",
    }
    assert dict(Suppression.objects.values_list("value", "reason")) == {
        "dead@b.example": "hard_bounced",
        "angry@b.example": "complained",
    }
    assert (counts["new"], counts["suppressed"], counts["duplicate"]) == (3, 2, 1)
    assert counts["unsubscribed"] == 3


def test_unsubscribed_people_without_a_list_are_suppressed(workspace: Workspace) -> None:
    counts = imported(workspace, "Email,Accepts Email Marketing\na@b.example,no\nc@d.example,yes\n")
    assert (counts["new"], counts["suppressed"]) == (1, 1)
    assert Suppression.objects.get().reason == "unsubscribed"


def test_a_later_row_in_another_batch_unsubscribes(workspace: Workspace, news: List) -> None:
    rows = [f"p{n}@b.example," for n in range(20)]
    data = "email,status\n" + "\n".join([*rows, "p0@b.example,unsubscribed", ""])
    counts = ran(chosen(received(workspace, data), target=news), size=5)
    assert counts["duplicate"] == counts["unsubscribed"] == 1
    assert news.subscriptions.get(contact__email="p0@b.example").status == "unsubscribed"


def test_bad_bytes_reject_their_line(workspace: Workspace) -> None:
    data = "email,城市\n".encode() + b"a@b.example,\xff\xfe\n" + "c@d.example,上海\n".encode() * 30
    counts = imported(workspace, data)
    assert (counts["rejected"], counts["new"]) == (1, 1)
    assert ImportReject.objects.get().reason == "unreadable"


def test_another_workspace_is_not_touched(workspace: Workspace, other_workspace: Workspace) -> None:
    Contact.objects.create(workspace=other_workspace, email="a@b.example", first_name="Theirs")
    suppressions.suppress(
        other_workspace, value="a@b.example", kind="address", reason="manual", source=BY_HAND
    )
    counts = imported(workspace, "email,first_name\na@b.example,Ours\n", known="overwrite")
    assert counts["new"] == 1
    assert Contact.objects.get(workspace=other_workspace).first_name == "Theirs"


def test_mapping_needs_one_address_column(workspace: Workspace) -> None:
    file = received(workspace, "email,city\na@b.example,X\n")
    for mapping in (["", "first_name"], ["email", "email"], ["email", "attribute:gone"]):
        with pytest.raises(importchoices.ImportRefusedError):
            chosen(file, mapping=mapping)


def test_what_is_no_csv_leaves_no_import(workspace: Workspace) -> None:
    with pytest.raises(csvdetect.NotCsvError):
        received(workspace, b"PK\x03\x04....")
    assert not Import.objects.exists()
    assert not ImportChunk.objects.exists()


def test_start_once(workspace: Workspace) -> None:
    file = chosen(received(workspace, "email\na@b.example\n"))
    imports.start(file, enqueue=None)
    with pytest.raises(importchoices.ImportRefusedError):
        imports.start(file, enqueue=None)


def test_no_start_into_a_list_that_was_archived_meanwhile(workspace: Workspace, news: List) -> None:
    file = chosen(received(workspace, "email\na@b.example\n"), target=news)
    lists.toggle_archive(news)
    with pytest.raises(importchoices.ImportRefusedError, match="News was archived"):
        imports.start(file, enqueue=None)
    file.refresh_from_db()
    assert (file.state, file.started_at) == (Import.State.READY, None)
    lists.toggle_archive(news)  # and back
    assert ran(file)["subscribed"] == 1


def test_nor_into_a_new_list_that_was_made_and_archived_meanwhile(workspace: Workspace) -> None:
    file = chosen(received(workspace, "email\na@b.example\n"), new_list="Same")
    lists.toggle_archive(List.objects.create(workspace=workspace, name="Same"))
    with pytest.raises(importchoices.ImportRefusedError, match="Same was archived"):
        imports.start(file, enqueue=None)


def test_cancel_takes_effect_within_a_batch(workspace: Workspace) -> None:
    data = "email\n" + "".join(f"p{n}@b.example\n" for n in range(1000))
    file = chosen(received(workspace, data))
    imports.start(file, enqueue=None)

    def cancel(held: Import) -> None:
        if held.counts["rows"] == 200:
            assert imports.cancel(held)

    assert not importrun.run(file.pk, size=100, progress=cancel)
    file.refresh_from_db()
    assert file.state == Import.State.CANCELLED
    assert file.counts["rows"] == file.counts["new"] == Contact.objects.count() == 200
    assert not importrun.run(file.pk)


def test_work_is_done_in_slices(workspace: Workspace) -> None:
    data = "email\n" + "".join(f"p{n}@b.example\n" for n in range(100))
    file = chosen(received(workspace, data))
    imports.start(file, enqueue=None)
    slices = 1
    while importrun.run(file.pk, size=30, seconds=0):
        assert imports.due() == [file.pk]
        slices += 1
    file.refresh_from_db()
    assert slices == 5
    assert file.counts["new"] == Contact.objects.count() == 100


def test_undo_takes_back_what_nothing_else_has_touched(workspace: Workspace, news: List) -> None:
    other = List.objects.create(workspace=workspace, name="Other")
    known = Contact.objects.create(workspace=workspace, email="known@b.example")
    data = "email\n" + "".join(f"{w}@b.example\n" for w in ("known", "new", "moved", "left"))
    file = chosen(received(workspace, data), target=news)
    ran(file)
    lists.subscribe(other, Contact.objects.filter(email="moved@b.example"), source=BY_HAND)
    left = Contact.objects.get(email="left@b.example")
    lists.unsubscribe(workspace, [left.pk], [news.pk], source=Source("campaign", 1))
    undone = imports.undo(file)
    assert isinstance(undone, Undone)
    assert (undone.contacts, undone.subscriptions, undone.kept) == (1, 3, 2)
    assert set(Contact.objects.values_list("email", flat=True)) == {
        known.email, "moved@b.example", "left@b.example",
    }  # fmt: skip
    assert news.subscriptions.get().status == "unsubscribed"
    with pytest.raises(importchoices.ImportRefusedError):
        imports.undo(file)


@pytest.fixture
def mailed(workspace: Workspace, news: List) -> tuple[Import, set[Contact]]:
    """An import of three people, and the two of them who have mails, in different blocks."""
    data = "email\na@b.example\nb@b.example\nc@b.example\n"
    file = chosen(received(workspace, data), target=news)
    ran(file)
    waits, got = Contact.objects.filter(email__lt="c").order_by("email")
    blocks.make(1)
    for block, person, state in ((0, waits, 0), (1, got, Message.State.ACCEPTED)):
        Message.objects.create(
            id=(block << BITS) + 7,
            mailing=factories.make_mailing(workspace, pk=block * SIZE + 5),
            contact_id=person.pk,
            address=person.email,
            state=state,
        )
    return file, {waits, got}


def test_undo_keeps_whom_a_campaign_mails_or_has_mailed(
    workspace: Workspace, mailed: tuple[Import, set[Contact]], owner_client: Client
) -> None:
    file, people = mailed
    page = owner_client.get(reverse("import", args=[workspace.slug, file.pk])).content.decode()
    stay = "2 of these people stay, because a campaign mails or has mailed them."
    assert stay in page
    assert "of people who want no mail" not in page  # The file said nothing of them.
    url = reverse("undo_import", args=[workspace.slug, file.pk])
    page = owner_client.post(url, follow=True).content.decode()
    assert "Undone: 1 contact removed." in page
    assert "2 stayed, because a campaign mails or has mailed these people." in page
    assert "used elsewhere" not in page
    assert set(Contact.objects.all()) == people
    assert not Subscription.objects.exists()


def test_so_does_the_undo_of_many(
    workspace: Workspace, mailed: tuple[Import, set[Contact]], nudges: list[int]
) -> None:
    file, people = mailed
    given = {"import": file.pk, "name": file.filename}
    job = jobscene.finish(jobs.start(workspace, "undo_import", given, by=None), size=1)
    assert set(Contact.objects.all()) == people
    assert jobkinds.of(job).words.result(job) == (
        "Undone: 1 contact removed. 2 stayed, because a campaign mails or has mailed these people."
    )


def test_the_undo_says_what_stays(workspace: Workspace, owner_client: Client) -> None:
    file = received(workspace, "email\na@b.example\n")
    ran(chosen(file))
    counts = {"new": 60_000, "subscribed": 5, "unsubscribed": 2, "stopped": 1, "rows": 9}
    Import.objects.filter(pk=file.pk).update(counts=counts)
    page = owner_client.get(reverse("import", args=[workspace.slug, file.pk])).content.decode()
    # Too many to count.
    assert "People whom a campaign mails or has mailed stay." in page
    assert "Of the 5 subscriptions that it made, removes those that nobody has changed." in page
    assert (
        "What the file said of people who want no mail stays: 2 recorded as unsubscribed and "
        "1 suppressed (the suppression can be lifted)."
    ) in page


def test_the_undo_counts_the_subscriptions_that_are_left(
    workspace: Workspace, news: List, owner_client: Client
) -> None:
    data = "email\n" + "".join(f"{name}@b.example\n" for name in "abcd")
    file = chosen(received(workspace, data), target=news)
    ran(file)
    gone = Contact.objects.get(email="a@b.example")
    lists.unsubscribe(workspace, [gone.pk], None, source=BY_HAND)
    Contact.objects.filter(email="b@b.example").delete()
    page = owner_client.get(reverse("import", args=[workspace.slug, file.pk])).content.decode()
    assert "Removes 2 subscriptions that it made." in page
    undone = imports.undo(file)
    assert isinstance(undone, Undone)
    assert undone.subscriptions == 2


def test_who_paused_is_no_less_imported(workspace: Workspace, news: List) -> None:
    """The pause stops mail, and nothing else."""
    known = Contact.objects.create(workspace=workspace, email="a@b.example")
    soon = timezone.now() + timedelta(days=30)
    preferences.pause(workspace, ["a@b.example"], until=soon, source=BY_HAND)
    counts = imported(workspace, "email,first name\na@b.example,Lan\n", target=news)
    assert (counts["suppressed"], counts["updated"]) == (0, 1)
    known.refresh_from_db()
    assert known.first_name == "Lan"
    assert mailable.stops_of(workspace, ["a@b.example"])
