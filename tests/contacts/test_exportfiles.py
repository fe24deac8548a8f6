"""Exports as workbooks: at once for a few contacts, by a job for many; with the chosen columns."""

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts import workbookwriter
from contacts.models import Attribute, Contact, Job, List, Subscription
from contacts.services import exportfiles, jobs, savedviews
from contacts.services.jobs import JobLostError
from contacts.tablemodels import ExportFile, ExportPiece

pytestmark = pytest.mark.django_db


def url(name: str, *args: int) -> str:
    return reverse(name, args=["brand", *args])


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    for key, kind in (("city", "text"), ("born", "date"), ("points", "number"), ("vip", "boolean")):
        Attribute.objects.create(workspace=workspace, key=key, label=key.title(), type=kind)
    made = [
        Contact.objects.create(
            workspace=workspace,
            email=f"p{number}@x.example",
            first_name="=1+1",
            attributes={"city": "＝cmd", "born": "2001-02-03", "points": 12.5, "vip": True},
        )
        for number in range(3)
    ]
    news = List.objects.create(workspace=workspace, name="News")
    Subscription.objects.create(list=news, contact=made[0])
    Subscription.objects.create(list=news, contact=made[1], status="unsubscribed")
    return made


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two contacts are too many for a request."""
    monkeypatch.setattr(jobs, "SMALL", 1)


def posted(client: Client, **given: str) -> bytes:
    answer: Any = client.post(url("export_contacts"), given)
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, no-store"
    return b"".join(answer.streaming_content)


def table(data: bytes) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


def by_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def test_a_workbook_at_once(people: list[Contact], owner_client: Client) -> None:
    rows = table(posted(owner_client, format="xlsx"))
    first = dict(zip(rows[0], rows[1], strict=True))
    assert len(rows) == 4
    assert first["E-mail address"] == "p0@x.example"
    assert first["First name"] == "=1+1"
    assert (first["City"], first["Points"], first["Vip"]) == ("＝cmd", 12.5, True)
    assert first["Born"] == dt.date(2001, 2, 3)
    assert first["status"] == "subscribed"
    added = people[0].created_at.astimezone(dt.UTC).replace(tzinfo=None)
    assert abs(first["added_at"] - added) < dt.timedelta(seconds=1)


def test_both_formats_have_the_same_columns(people: list[Contact], owner_client: Client) -> None:
    workbook = table(posted(owner_client, format="xlsx"))
    text = by_csv(posted(owner_client, format="csv"))
    assert workbook[0] == text[0]
    assert [row[0] for row in workbook] == [row[0] for row in text]
    born = text[0].index("Born")
    assert text[1][born] == "2001-02-03"
    assert text[1][1] == "'=1+1"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_columns_of_the_table(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client, kind: str
) -> None:
    chosen = ["attribute:points", "domain", "lists", "name", "first_name", "added"]
    savedviews.choose_columns(workspace, owner, chosen)
    data = posted(owner_client, format=kind, columns="table", query="q=p1")
    header, *rows = table(data) if kind == "xlsx" else by_csv(data)
    status = ["status", "status_reason", "status_at", "suppressed_at"]
    names = ["First name", "Last name", "Full name"]
    # Always with the status: an import of the file must mail nobody who left.
    assert header == ["E-mail address", *status, "Points", "list: News", *names, "added_at"]
    assert len(rows) == 1
    assert rows[0][:2] == ["p1@x.example", "unsubscribed"]


def test_the_columns_of_a_view(
    workspace: Workspace, owner: User, people: list[Contact], owner_client: Client
) -> None:
    view = savedviews.create(
        workspace,
        owner,
        name="V",
        shared=False,
        parameters={"q": "p1"},
        columns=["status", "attribute:city"],
    )
    data = posted(owner_client, format="csv", columns="table", query=savedviews.query(view))
    assert [row[-1] for row in by_csv(data)] == ["City", "'＝cmd"]


def test_an_unknown_format_is_refused(people: list[Contact], owner_client: Client) -> None:
    assert owner_client.post(url("export_contacts"), {"format": "doc"}).status_code == 400


@pytest.mark.usefixtures("many", "people")
def test_a_job_writes_a_large_one(
    workspace: Workspace,
    owner_client: Client,
    nudges: list[int],
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = owner_client.post(
            url("export_contacts"), {"format": "xlsx", "query": "status=&domain=x.example"}
        )
    job = Job.objects.get()
    assert answer["Location"] == url("job", job.pk)
    assert nudges == [job.pk]
    # Who comes later is not in it.
    Contact.objects.create(workspace=workspace, email="late@x.example")
    assert jobs.run(job.pk) is False
    job.refresh_from_db()
    assert (job.state, job.done, job.total) == ("finished", 3, 3)
    page = owner_client.get(url("job", job.pk)).content.decode()
    assert "3 contacts exported." in page
    assert url("export_file", job.pk) in page
    file: Any = owner_client.get(url("export_file", job.pk))
    data = b"".join(file.streaming_content)
    assert len(data) == int(file["Content-Length"])
    assert file["Content-Type"] == workbookwriter.CONTENT_TYPE
    assert 'filename="contacts-brand.xlsx"' in file["Content-Disposition"]
    assert [row[0] for row in table(data)][1:] == [f"p{number}@x.example" for number in range(3)]


@pytest.fixture
def finished(workspace: Workspace, owner: User, people: list[Contact]) -> Job:
    given = {"query": "", "columns": None, "language": "zh-hans"}
    job = jobs.start(workspace, "export", given, by=owner, last=people[-1].pk)
    jobs.run(job.pk)
    job.refresh_from_db()
    assert job.state == Job.State.FINISHED, job.error
    return job


def test_the_file_has_the_language_of_who_asked(finished: Job) -> None:
    data = b"".join(exportfiles.pieces(finished.file))
    assert table(data)[0][0] == "邮箱地址"


def test_a_file_in_several_pieces(
    workspace: Workspace, owner: User, people: list[Contact], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exportfiles, "PIECE", 1_000)
    given = {"query": "", "columns": None, "language": "en"}
    job = jobs.start(workspace, "export", given, by=owner, last=people[-1].pk)
    jobs.run(job.pk)
    assert ExportPiece.objects.count() > 3
    assert len(table(b"".join(exportfiles.pieces(ExportFile.objects.get())))) == 4


def test_files_are_dropped_after_a_day(finished: Job, owner_client: Client) -> None:
    exportfiles.drop_old()
    assert ExportFile.objects.exists()
    ExportFile.objects.update(created_at=timezone.now() - dt.timedelta(hours=25))
    exportfiles.drop_old()
    assert not ExportFile.objects.exists()
    assert not ExportPiece.objects.exists()
    page = owner_client.get(url("export_file", finished.pk), follow=True).content.decode()
    assert "The file was deleted: it is kept for a day." in page
    assert "Download the file" not in page


def test_the_number_of_files_is_bounded(
    finished: Job, workspace: Workspace, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exportfiles, "MOST", 1)
    given = {"query": "q=p1", "columns": None, "language": "en"}
    job = jobs.start(workspace, "export", given, by=owner, last=finished.last)
    jobs.run(job.pk)
    assert [file.job_id for file in ExportFile.objects.all()] == [job.pk]


def test_who_may_have_the_file(
    finished: Job,
    workspace: Workspace,
    stranger_client: Client,
    make_member: Callable[..., User],
) -> None:
    assert stranger_client.get(url("export_file", finished.pk)).status_code == 404
    viewer = Client()
    viewer.force_login(make_member(workspace, Role.VIEWER))
    assert viewer.get(url("export_file", finished.pk)).status_code == 403
    assert viewer.post(url("export_contacts"), {"format": "xlsx"}).status_code == 403


def test_the_job_says_what_was_cut(finished: Job, owner_client: Client) -> None:
    Job.objects.update(counts={"written": 1_048_580, "sheets": 2, "cut": 3})
    page = owner_client.get(url("job", finished.pk)).content.decode()
    assert "1,048,580 contacts exported." in page
    assert "They are on 2 sheets" in page
    assert "3 cells were too long" in page


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_job_stops_and_shows_its_progress(
    workspace: Workspace, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exportfiles, "PAUSE", 0.01)
    monkeypatch.setattr(exportfiles, "ROWS", 1)
    given = {"query": "", "columns": None, "language": "en"}
    job = jobs.start(workspace, "export", given, by=owner, last=1)
    claimed = jobs.claim(job.pk)
    assert claimed is not None

    def go_on(until: Callable[[], bool]) -> None:
        """As the writer of rows does, at most 20 seconds."""
        end = timezone.now() + dt.timedelta(seconds=20)
        while not until() and timezone.now() < end:
            on_row(7)

    with exportfiles._progress(claimed) as on_row:
        go_on(lambda: Job.objects.get().done == 7)
        assert Job.objects.get().done == 7
        assert jobs.cancel(job)
        with pytest.raises(JobLostError):
            go_on(lambda: False)
