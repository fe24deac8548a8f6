"""Files that once gave wrong results (tests/cases/import), and others of their kinds."""

import csv
import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Workspace
from contacts import csvdetect, encodings
from contacts.audience import Audience
from contacts.models import Contact, Import, List, StatusWord, Subscription, Suppression
from contacts.provenance import BY_HAND
from contacts.queries import audience
from contacts.queries.audience import Question
from contacts.services import (
    importchecks,
    importchoices,
    importrun,
    imports,
    importuploads,
    statuswords,
)
from tests import cputime

pytestmark = pytest.mark.django_db(transaction=True)

CASES = Path(__file__).parent.parent / "cases" / "import"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def run(workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """What --json printed of an import of this case, or of these bytes, into the list News; the
    dry run before it must say the same."""

    def once(path: Path, *more: str) -> dict[str, Any]:
        arguments = (str(path), "--workspace=brand", "--list=News", "--json", *more)
        with suppress(SystemExit):  # 3: some lines were rejected
            call_command("import_contacts", *arguments)
        printed: dict[str, Any] = json.loads(capsys.readouterr().out)
        return {k: v for k, v in printed.items() if k not in {"import", "state", "dry_run"}}

    def run(data: str | bytes, *more: str) -> dict[str, Any]:
        path = CASES / str(data)
        if isinstance(data, bytes) or "\n" in data:
            path = tmp_path / "people.csv"
            path.write_bytes(data if isinstance(data, bytes) else data.encode())
        before = (Contact.objects.count(), List.objects.count(), Suppression.objects.count())
        expected = once(path, "--dry-run", *more)
        assert before == (
            Contact.objects.count(), List.objects.count(), Suppression.objects.count(),
        )  # fmt: skip
        counts = once(path, *more)
        assert expected == counts
        return counts

    return run


def states() -> dict[str, str]:
    rows = Subscription.objects.values_list("contact__email", "status")
    return {email.partition("@")[0]: status for email, status in rows}


def people() -> dict[str, str]:
    return {
        contact.email.partition("@")[0]: contact.full_name or contact.first_name
        for contact in Contact.objects.all()
    }


def test_status_words(run: Run) -> None:
    counts = run("02-status-words.csv")
    assert states() == {"keep.one": "subscribed", "un.sub": "unsubscribed"}
    assert (counts["new"], counts["asked"], counts["subscribed"]) == (11, 9, 1)
    assert [word["word"] for word in counts["words"]] == sorted(
        "blocklisted,disabled,Marked as spam,NEVER_SUBSCRIBED,Soft bounced,SUPPRESSED,Unconfirmed,"
        "已取消订阅,黑名单".split(","),
        key=lambda word: word.lower().replace(" ", "").replace("_", ""),
    )
    assert not Suppression.objects.exists()
    file = Import.objects.get()
    asked = file.rejects.filter(reason="status_word", kept=True)
    assert asked.get(value="黑名单").line == 10
    assert asked.count() == 9


def test_a_second_run_with_answers(run: Run, workspace: Workspace) -> None:
    run("02-status-words.csv")
    StatusWord.objects.create(
        workspace=workspace, kind="status", key="softbounced", text="Soft", meaning="subscribed"
    )
    counts = run(
        "02-status-words.csv",
        "--status-word=BLOCK-LISTED=unsubscribed",
        "--status-word=disabled=skip",
        "--status-word=marked_as_spam=complained",
        "--status-word=黑名单=suppressed",
        "--status-word=suppressed=bounced",
    )
    assert states() == {
        "keep.one": "subscribed",
        "un.sub": "unsubscribed",
        "soft.bounced": "subscribed",
        "block.listed": "unsubscribed",
    }
    assert dict(Suppression.objects.values_list("value", "reason")) == {
        "spam.marked@people.example": "complained",
        "hei.ming@people.example": "imported",
        "sup.pressed@people.example": "hard_bounced",
    }
    assert (counts["asked"], counts["not_subscribed"]) == (3, 1)


def test_null_dates(run: Run) -> None:
    counts = run("02c-null-dates.csv")
    assert states() == dict.fromkeys(("a1", "a2", "a3", "a5"), "subscribed") | {
        "a4": "unsubscribed"
    }
    assert (counts["asked"], counts["words"]) == (0, [])


def test_a_word_in_a_date_column_is_asked_about(run: Run) -> None:
    counts = run("email,unsubscribed_at\na@b.example,soon\nc@d.example,\ne@f.example,1970-01-01\n")
    assert states() == {"c": "subscribed"}
    assert [(word["word"], word["count"]) for word in counts["words"]] == [
        ("1970-01-01", 1),
        ("soon", 1),
    ]


def test_separator_line(run: Run) -> None:
    counts = run("03-sep-line.csv")
    assert states() == {"sep1": "subscribed", "sep2": "unsubscribed"}
    assert people() == {"sep1": "Ann", "sep2": "Bob"}
    assert (counts["rows"], counts["rejected"], counts["above"]) == (2, 0, 0)


@pytest.mark.parametrize(
    ("encoding", "first"),
    [
        ("utf-8-sig", "SEP=;"), ("utf-16", "sep=;"), ("gb18030", '"sep=;"'), ("utf-8", "sep=;;;"),
    ],
)  # fmt: skip
def test_separator_lines_as_programs_write_them(run: Run, encoding: str, first: str) -> None:
    text = f"{first}\r\nEmail;姓名;状态\r\na@b.example;王, 伟;退订\r\nbad;李;已订阅\r\n"
    counts = run(text.encode(encoding))
    assert (counts["rows"], counts["rejected"]) == (2, 1)
    assert states() == {"a": "unsubscribed"}
    assert people() == {"a": "王, 伟"}
    assert Import.objects.get().rejects.get().line == 4


def test_a_tab_after_a_separator_line_and_no_header(run: Run) -> None:
    counts = run("sep=\t\na@b.example\tAnn\nc@d.example\tBob\n")
    assert (counts["rows"], counts["rejected"], counts["subscribed"]) == (2, 0, 2)


def test_title_rows(run: Run) -> None:
    counts = run("03b-title-rows.csv")
    assert states() == {"lin": "subscribed", "zhao": "unsubscribed"}
    assert people() == {"lin": "林", "zhao": "赵"}
    assert (counts["rows"], counts["above"], counts["blank"]) == (2, 2, 1)
    assert Import.objects.get().dialect["header"] == 4


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Export\nBy: ,boss@brand.example\n\nemail,name,status\na@b.example,A,unsubscribed\n", 4),
        ("客户名单,,\n\n\n邮箱,姓名,状态\nn/a,甲,已订阅\na@b.example,乙,退订\n", 4),
        ("email,@handle,status\na@b.example,@a,unsubscribed\n", 1),
        ("Newsletter\nE-Mail,Status\na@b.example,unsubscribed\n", 2),
        ("Contact,,Consent\nemail,name,status\na@b.example,A,unsubscribed\n", 2),
        ('"Title\nover two lines"\nemail,status\na@b.example,unsubscribed\n', 3),
        ("title\n" * 18 + "email,status\na@b.example,unsubscribed\n", 19),
        ("email,status\na@b.example,unsubscribed\nemail,status\n", 1),
    ],
)
def test_the_header_is_found_below_other_lines(run: Run, text: str, line: int) -> None:
    run(text)
    assert Import.objects.get().dialect["header"] == line
    assert states() == {"a": "unsubscribed"}


def test_the_header_line_as_said(run: Run) -> None:
    text = "x,y\nA,B\na@b.example,unsubscribed\nbad,subscribed\n"
    counts = run(text, "--header-line=2", "--map=A=email", "--map=B=status")
    assert (counts["above"], counts["rows"], counts["rejected"]) == (1, 2, 1)
    assert states() == {"a": "unsubscribed"}
    assert Import.objects.get().rejects.get().line == 4
    for none in ("none", "0"):
        assert run(text, f"--header-line={none}")["rows"] == 4


def test_at_signs(run: Run, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    with cputime.at_most(5):
        counts = run("17-at-signs.csv", f"--rejects={rejects}")
    assert (counts["rows"], counts["rejected"], counts["new"]) == (2, 1, 1)
    header, line = csv.reader(rejects.read_text("utf-8-sig").splitlines())
    assert header[1] == "Reason"
    assert line[:2] == ["1", "The cell is longer than 1,000 characters: this is not an address."]


@pytest.mark.parametrize(
    ("name", "names"),
    [
        ("18-big5.csv", {"a": "陳大文", "b": "黃小明", "c": "國際貿易有限公司"}),
        ("18-shiftjis.csv", {"a": "山田太郎", "b": "佐藤さん"}),
    ],
)
def test_east_asian_files(run: Run, name: str, names: dict[str, str]) -> None:
    run(name)
    assert people() == names


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("big5", "電郵,姓名\na@b.example,林美麗\n"),
        ("big5", "客戶名單\n電子郵件,姓名,訂閱狀態\na@b.example,張雅婷,已訂閱\n"),
        ("shift_jis", "email,name\na@b.example,ｻﾄｳ ｹﾝ\nb@b.example,高橋さん\n"),
        ("euc_kr", "이메일,이름,상태\na@b.example,홍길동,구독\nb@b.example,최지우,수신거부\n"),
        ("gb18030", "email,name\na@b.example,张\n"),
        ("gb18030", "邮箱,姓名,城市\na@b.example,李娜,上海\n"),
        ("cp1252", "email,name\na@b.example,Åsa Öberg\n"),
        ("cp1252", "email,note\na@b.example,It’s “Quoted” – naïve\n"),
        ("cp1252", "email,name\na@b.example,Åsa\n"),
        ("cp1251", "Эл. почта;Имя;Статус\na@b.example;Анна;подписан\nb@b.example;Ёж;отписался\n"),
    ],
)
def test_encodings_are_told_apart(encoding: str, text: str) -> None:
    assert csvdetect.detect(text.encode(encodings.codec(encoding))).encoding == encoding


@pytest.mark.parametrize("name", ["sjis", "Shift-JIS", "cp932", "shift_jis"])
def test_an_encoding_by_any_of_its_names(run: Run, name: str) -> None:
    run("18-shiftjis.csv", f"--encoding={name}")
    assert people()["a"] == "山田太郎"


def test_dry_run_into_a_list_that_is_not_there_yet(run: Run) -> None:
    counts = run("20-dry-run.csv")
    assert (counts["subscribed"], counts["unsubscribed"], counts["new"]) == (2, 1, 3)
    assert not Suppression.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        (
            "Email Address,Name,Date,State\nyes@x.example,A,2024-01-01,Active\n"
            "no1@x.example,B,2024-01-01,Unsubscribed\nno2@x.example,C,2024-01-01,Deleted\n"
        ),
        (
            "Email Address,OPTIN_TIME,CLEAN_TIME\nasked@x.example,2021-03-04,\n"
            "no@x.example,2021-03-04,2022-03-04 10:00:00\n"
        ),
        "メールアドレス,氏名,配信状況\nyes@x.example,山田,active\nno@x.example,鈴木,配信停止\n",
        "EMAIL;PRENOM;Liste noire\nyes@x.example;A;non\nno@x.example;B;oui\n",
        "Email,Do not allow Bulk Emails\nno1@x.example,Allow\nno2@x.example,Do Not Allow\n",
        "".join(f"Line {n}, internal\n" for n in range(45))
        + "Email,Subscribed?\nyes@x.example,Y\nno@x.example,N\n",
    ],
)
def test_whoever_left_elsewhere_is_not_subscribed(run: Run, text: str) -> None:
    run(text)
    subscribed = {name for name, status in states().items() if status == "subscribed"}
    assert subscribed <= {"yes"}
    assert ("yes" in subscribed) == ("yes@" in text)


def test_notes_that_speak_of_leaving_are_pointed_out(
    workspace: Workspace,
    owner_client: Client,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data = "email,Tags\na@x.example,VIP\nb@x.example,已退订客户; VIP\nc@x.example,VIP\n".encode()
    (tmp_path / "people.csv").write_bytes(data)
    call_command("import_contacts", str(tmp_path / "people.csv"), "--workspace=brand", "--dry-run")
    assert 'Column "Tags" has "已退订客户; VIP"' in capsys.readouterr().out
    with pytest.raises(SystemExit):  # the tags are words that nobody has explained
        call_command(
            "import_contacts", str(tmp_path / "people.csv"), "--workspace=brand", "--dry-run",
            "--map", "Tags=status",
        )  # fmt: skip
    assert "speaks of" not in capsys.readouterr().out
    with (tmp_path / "people.csv").open("rb") as upload:
        owner_client.post("/w/brand/imports/new/", {"file": upload})
    page = owner_client.get(f"/w/brand/imports/{Import.objects.latest('pk').pk}/")
    assert "“已退订客户; VIP” looks like a status of somebody" in text_of(page.content.decode())


def test_a_no_to_text_messages_is_none_to_mail(run: Run) -> None:
    run("email,email_status,SMS_MARKETING_SUBSCRIPTION\na@x.example,subscribed,Unsubscribed\n")
    assert states() == {"a": "subscribed"}


def test_consent_columns(run: Run) -> None:
    rows = "never declined withdrawn 不同意 no yes 同意 weekly".split()
    text = "email,accepts_marketing\n" + "".join(
        f"p{n}@b.example,{w}\n" for n, w in enumerate(rows)
    )
    counts = run(text + "p9@b.example,\n")
    on = {rows[int(name[1:])] for name, status in states().items() if status == "subscribed"}
    assert on == {"yes", "同意"}
    assert (counts["asked"], counts["not_subscribed"], counts["unsubscribed"]) == (2, 1, 4)


def test_empty_status_cells_wait_for_an_answer(run: Run) -> None:
    text = "email,status\na@b.example,subscribed\nc@d.example,\n"
    assert run(text)["words"] == [{"column": "status", "word": "", "count": 1, "suggestion": ""}]
    assert states() == {"a": "subscribed"}
    run(text, "--status-word==subscribed")
    assert states() == {"a": "subscribed", "c": "subscribed"}


def test_the_strictest_of_several_columns_wins(run: Run) -> None:
    counts = run(
        "email,status,opt out,bounced\n"
        "a@b.example,subscribed,no,no\n"
        "b@b.example,subscribed,yes,\n"
        "c@b.example,subscribed,maybe,no\n"
        "d@b.example,gold,yes,no\n"
        "e@b.example,unsubscribed,yes,2025-01-01\n"
    )
    assert states() == {"a": "subscribed", "b": "unsubscribed", "d": "unsubscribed"}
    assert dict(Suppression.objects.values_list("value", "reason")) == {
        "e@b.example": "hard_bounced"
    }
    assert counts["asked"] == 1
    assert [r.line for r in Import.objects.get().rejects.all()] == [4]


def test_check_and_run_agree_across_batches(
    run: Run, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address with several lines, each in another batch: the strictest wins there as well."""
    monkeypatch.setattr("contacts.services.importrun.BATCH", 3)
    monkeypatch.setattr("contacts.services.importrun.run.__kwdefaults__", {
        "seconds": 20, "progress": None, "size": 3,
    })  # fmt: skip
    news = List.objects.create(workspace=workspace, name="News")
    was = Contact.objects.create(workspace=workspace, email="was@b.example")
    Subscription.objects.create(list=news, contact=was, **BY_HAND.columns)
    lines = [
        "a,subscribed", "b,subscribed", "c,subscribed", "d,complained", "e,pending", "f,gold",
        "a,unsubscribed", "b,gold", "c,pending", "d,subscribed", "e,unsubscribed", "f,subscribed",
        "a,subscribed", "b,subscribed", "was,gold", "was,unsubscribed", "g,subscribed", "g,bounced",
    ]  # fmt: skip
    text = "email,status\n" + "".join(line.replace(",", "@b.example,") + "\n" for line in lines)
    counts = run(text)
    assert states() == {"a": "unsubscribed", "e": "unsubscribed", "was": "unsubscribed"}
    assert set(Suppression.objects.values_list("value", flat=True)) == {
        "d@b.example", "g@b.example",
    }  # fmt: skip
    assert (counts["subscribed"], counts["unsubscribed"]) == (0, 3)
    taken = counts["new"] + counts["updated"] + counts["unchanged"]
    assert taken + counts["duplicate"] + counts["suppressed"] + counts["rejected"] == len(lines)


def test_a_doubtful_word_takes_nobody_off_the_list(run: Run, workspace: Workspace) -> None:
    news = List.objects.create(workspace=workspace, name="News")
    was = Contact.objects.create(workspace=workspace, email="was@b.example")
    Subscription.objects.create(list=news, contact=was, **BY_HAND.columns)
    run("email,status\nwas@b.example,gold\n")
    assert states() == {"was": "subscribed"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("--status-word=gold", "must look like"),
        ("--status-word=gold=member", "must look like"),
        ("--header-line=two", "--header-line must be"),
        ("--encoding=klingon", "--encoding must be one of"),
        (f"--list={'x' * 101}", "at most 100 characters"),
    ],
)
def test_wrong_options(run: Run, more: str, words: str) -> None:
    with pytest.raises(CommandError, match=words) as caught:
        run("20-dry-run.csv", more)
    assert caught.value.returncode == 2
    assert not Import.objects.exists()


def test_words_are_listed_for_people(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="4"):
        call_command("import_contacts", str(CASES / "02-status-words.csv"), "--workspace=brand")
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == (
        "Waiting for an answer: 9 people are not subscribed. Exit code 4."
    )
    assert "9 people are not subscribed, since nobody has said" in said
    assert '1  "Marked as spam"  in column "status"  probably: complained' in said
    assert "--status-word" in said


@pytest.fixture
def uploaded(owner_client: Client, workspace: Workspace) -> Callable[[str], Import]:
    """The import of a case, uploaded and configured on the pages, into the new list News."""

    def uploaded(name: str) -> Import:
        with (CASES / name).open("rb") as file:
            owner_client.post("/w/brand/imports/new/", {"file": file})
        one = Import.objects.latest("pk")
        chosen = {
            **{n: one.dialect[n] for n in ("encoding", "header", "dates")},
            "delimiter": "comma",
            "list": "new",
            "new_list": "News",
            "consent": "explicit",
            "known": "fill",
            **{f"column_{n}": target for n, target in enumerate(one.mapping)},
        }
        response = owner_client.post(f"/w/brand/imports/{one.pk}/columns/", chosen)
        assert response.status_code == 302, response.content.decode()
        return one

    return uploaded


def fields(page: str) -> dict[str, str]:
    """The form of the words as it is on the page, with what is selected."""
    found = dict(re.findall(r'<input type="hidden" name="(\w+_\d+)" value="([^"]*)"', page))
    for name, options in re.findall(
        r'<select[^>]* name="(meaning_\d+)"(.*?)</select>', page, re.DOTALL
    ):
        selected = re.search(r'value="(\w+)" selected', options)
        found[name] = selected[1] if selected else ""
    return found


# What a person answers about 02-status-words.csv; the fifth word is not understood.
ANSWERS = {
    0: "suppressed", 1: "skip", 2: "complained", 3: "skip", 5: "suppressed", 6: "skip",
    7: "unsubscribed", 8: "suppressed",
}  # fmt: skip
ANSWERED = {f"meaning_{number}": meaning for number, meaning in ANSWERS.items()}


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_the_check_page_asks_and_remembers(
    owner_client: Client, uploaded: Callable[[str], Import], workspace: Workspace
) -> None:
    file = uploaded("02-status-words.csv")
    assert not List.objects.exists()
    at = f"/w/brand/imports/{file.pk}/"
    page = owner_client.get(f"{at}?step=check&now=1").content.decode()
    said = text_of(page)
    assert "Into the new list News. Nothing has changed yet." in said
    assert "1 person would be newly on the list." in said
    assert "9 people wait for an answer" in said
    assert "2 words that are understood" in said
    form = fields(page)
    assert [form[f"text_{n}"] for n in range(9)] == [
        "blocklisted", "disabled", "Marked as spam", "NEVER_SUBSCRIBED", "Soft bounced",
        "SUPPRESSED", "Unconfirmed", "已取消订阅", "黑名单",
    ]  # fmt: skip
    # Nothing is chosen beforehand.
    assert {form[f"meaning_{n}"] for n in range(9)} == {""}
    assert "Probably “Complained: suppress”." in said

    response = owner_client.post(f"{at}words/", form | ANSWERED, follow=True)
    assert "8 answers are saved." in text_of(response.content.decode())
    assert StatusWord.objects.filter(workspace=workspace).count() == 8
    page = owner_client.get(f"{at}?step=check&now=1").content.decode()
    assert "1 person waits for an answer" in text_of(page)
    assert text_of(page).count("Answered before, for all imports") == 8

    form = fields(page)
    blocklisted = next(n for n in range(20) if form[f"text_{n}"] == "blocklisted")
    owner_client.post(f"{at}words/", form | {f"meaning_{blocklisted}": "unsubscribed"})
    assert StatusWord.objects.get(key="blocklisted").meaning == "unsubscribed"
    assert not StatusWord.objects.filter(key="enabled").exists()
    owner_client.post(f"{at}words/", form | {f"meaning_{blocklisted}": ""})
    assert not StatusWord.objects.filter(key="blocklisted").exists()


def test_what_was_checked_is_what_starts(
    owner_client: Client, uploaded: Callable[[str], Import]
) -> None:
    file = uploaded("20-dry-run.csv")
    at = f"/w/brand/imports/{file.pk}/"

    def seen() -> str:
        page = owner_client.get(f"{at}?step=check").content.decode()
        found = re.search(r'name="checked" value="(\w+)"', page)
        return found[1] if found else ""

    before = seen()
    importchoices.configure(  # in another window: the status column is left out
        file, dialect=file.dialect, mapping=["email", ""], target=None, new_list="News",
        consent="explicit", known="fill",
    )  # fmt: skip
    answer = owner_client.post(f"{at}start/", {"checked": before}, follow=True)
    assert "changed in another window" in text_of(answer.content.decode())
    file.refresh_from_db()
    assert file.state == Import.State.READY
    imports.start(file, enqueue=None, checked=seen())
    assert file.state == Import.State.QUEUED


def test_answers_after_the_run_and_the_file_again(
    owner_client: Client, uploaded: Callable[[str], Import], workspace: Workspace
) -> None:
    file = uploaded("02-status-words.csv")
    at = f"/w/brand/imports/{file.pk}/"
    imports.start(file, enqueue=None)
    while importrun.run(file.pk):
        pass
    assert states() == {"keep.one": "subscribed", "un.sub": "unsubscribed"}
    page = owner_client.get(at).content.decode()
    assert "9 people wait for an answer and are not subscribed" in text_of(page)
    assert "imported, not subscribed" in text_of(page)
    form = fields(page)
    owner_client.post(f"{at}words/", form | ANSWERED | {"meaning_4": "subscribed", "again": "1"})
    anew = Import.objects.latest("pk")
    assert (anew.state, anew.list) == ("ready", List.objects.get())
    imports.start(anew, enqueue=None)
    while importrun.run(anew.pk):
        pass
    assert states() == {
        "keep.one": "subscribed", "soft.bounced": "subscribed", "un.sub": "unsubscribed",
        "tui.ding": "unsubscribed",
    }  # fmt: skip
    assert Suppression.objects.count() == 4


def test_answers_that_were_not_saved_are_not_lost_by_the_start(
    owner_client: Client, uploaded: Callable[[str], Import], workspace: Workspace
) -> None:
    file = uploaded("02-status-words.csv")
    at = f"/w/brand/imports/{file.pk}/"

    def page() -> str:
        return owner_client.get(f"{at}?step=check&now=1").content.decode()

    chosen = fields(page()) | {"meaning_4": "subscribed", "scope": "list"}
    answer = owner_client.post(f"{at}start/", chosen, follow=True)
    file.refresh_from_db()
    assert file.state == Import.State.READY
    assert statuswords.scope_said(file) == "list"
    said = "1 answer is saved. See what would happen now, then start."
    assert said in text_of(answer.content.decode())
    # What the page only suggested is no answer.
    assert StatusWord.objects.get().meaning == "subscribed"
    owner_client.post(f"{at}start/", fields(page()))
    file.refresh_from_db()
    assert file.state == Import.State.QUEUED


def test_answers_of_one_workspace_do_not_reach_another(
    run: Run, workspace: Workspace, other_workspace: Workspace
) -> None:
    StatusWord.objects.create(
        workspace=other_workspace, kind="status", key="gold", text="gold", meaning="subscribed"
    )
    run("email,status\na@b.example,gold\n")
    assert states() == {}


def test_a_column_with_too_many_words_is_probably_no_status(
    owner_client: Client, workspace: Workspace
) -> None:
    lines = "".join(f"p{n}@b.example,word {n}\n" for n in range(150))
    owner_client.post("/w/brand/imports/new/", {"pasted": f"email,status\n{lines}"})
    file = Import.objects.get()
    page = owner_client.get(f"/w/brand/imports/{file.pk}/?step=check&now=1").content.decode()
    assert "The column “status” has very many different words" in text_of(page)
    assert "50 further words in 50 cells are not shown here." in text_of(page)
    form = fields(page)
    for number in range(5):  # a row that can't be answered has no fields: the others count
        del form[f"kind_{number}"]
    owner_client.post(f"/w/brand/imports/{file.pk}/words/", form | {"meaning_7": "skip"})
    assert StatusWord.objects.get().meaning == "skip"
    assert "150 people wait for an answer" in text_of(page)


def test_the_page_offers_the_first_lines_as_header(
    owner_client: Client, workspace: Workspace
) -> None:
    with (CASES / "03b-title-rows.csv").open("rb") as file:
        owner_client.post("/w/brand/imports/new/", {"file": file})
    at = f"/w/brand/imports/{Import.objects.get().pk}/"
    page = owner_client.get(at).content.decode()
    assert '<option value="4" selected>Line 4: 邮箱 · 姓名 · 订阅状态</option>' in page
    assert '<option value="1">Line 1: 客户名单</option>' in page
    form = {"encoding": "utf-8", "delimiter": "comma", "header": "0", "reread": "1"}
    page = owner_client.post(f"{at}columns/", form).content.decode()
    assert '<option value="0" selected>No line names the columns</option>' in page
    assert "Column 3" in page


def test_another_encoding_keeps_what_the_person_chose(
    owner_client: Client, workspace: Workspace
) -> None:
    """Leave the city out, and make the note a number: the name is guessed anew."""
    text = "邮箱,姓名,城市,备注\nwei@b.example,王伟,上海,7\n".encode("gb18030")
    owner_client.post("/w/brand/imports/new/", {"file": SimpleUploadedFile("people.csv", text * 3)})
    at = f"/w/brand/imports/{Import.objects.get().pk}/"

    def posted(page: str) -> dict[str, str]:
        begun = dict(re.findall(r'name="(begun_\d)" value="([^"]*)"', page))
        chosen = {
            name: (re.search(r'value="([^"]*)" selected', options) or ["", ""])[1]
            for name, options in re.findall(
                r'<select[^>]* name="(column_\d)"(.*?)</select>', page, re.DOTALL
            )
        }
        return begun | chosen | {"delimiter": "comma", "header": "1", "reread": "1"}

    wrong = owner_client.post(
        f"{at}columns/", posted(owner_client.get(at).content.decode()) | {"encoding": "cp1252"}
    ).content.decode()
    form = posted(wrong)
    form |= {"column_0": "email", "column_2": "", "column_3": "new:x:number"}
    form["encoding"] = "gb18030"
    right = posted(owner_client.post(f"{at}columns/", form).content.decode())
    assert [right[f"column_{n}"] for n in range(4)] == ["email", "full_name", "", "new:note:number"]


def test_too_many_columns_by_another_delimiter_are_refused_too(
    owner_client: Client, workspace: Workspace, tmp_path: Path
) -> None:
    """The first 500 were shown, and nothing said that there are more."""
    wide = f"email,note\na@b.example,{'x;' * 600}\n"
    owner_client.post("/w/brand/imports/new/", {"pasted": wide})
    file = Import.objects.get()
    at = f"/w/brand/imports/{file.pk}/"
    form = {"encoding": "utf-8", "delimiter": "semicolon", "header": "1"}
    page = owner_client.post(f"{at}columns/", form | {"reread": "1"}).content.decode()
    assert "The file has more than 500 columns." in text_of(page)
    assert 'name="column_0"' not in page
    assert '<option value="semicolon" selected>' in page
    more = {"list": "", "consent": "unknown", "known": "fill", "column_0": "email"}
    page = owner_client.post(f"{at}columns/", form | more).content.decode()
    assert text_of(page).count("The file has more than 500 columns.") == 1
    file.refresh_from_db()
    assert file.dialect["delimiter"] == ","
    # Back to how it is written.
    form["delimiter"] = "comma"
    page = owner_client.post(f"{at}columns/", form | {"reread": "1"}).content.decode()
    assert "more than 500 columns" not in page
    assert 'name="column_1"' in page
    path = tmp_path / "wide.csv"
    path.write_text(wide)
    with pytest.raises(CommandError, match="more than 500 columns") as caught:
        call_command("import_contacts", str(path), "--workspace=brand", "--delimiter=;")
    assert caught.value.returncode == 2


# Unsubscribed from what? --------------------------------------------------------------------------


def checked_of(page: str) -> str:
    found = re.search(r'name="checked" value="(\w+)"', page)
    assert found
    return found[1]


SCOPED = "email,status\nann@b.example,unsubscribed\nbob@b.example,subscribed\neve@b.example,退订\n"


@pytest.fixture
def shop(workspace: Workspace) -> List:
    """Another list of the workspace. Ann and Bob are on it; Cy is as well, and Dan has left it."""
    shop = List.objects.create(workspace=workspace, name="Shop")
    for name in ("ann", "bob", "cy", "dan"):
        contact = Contact.objects.create(workspace=workspace, email=f"{name}@b.example")
        status = "unsubscribed" if name == "dan" else "subscribed"
        Subscription.objects.create(list=shop, contact=contact, status=status)
    return shop


def mailed(target: List) -> set[str]:
    """Who gets the next mail to this list."""
    question = Question(
        Audience.of_lists(target.workspace_id, [target.pk]), reason=audience.RECIPIENTS
    )
    return {person.address.partition("@")[0] for person in audience.people(question, limit=100)}


def test_who_unsubscribed_by_a_file_is_mailed_by_no_other_list(run: Run, shop: List) -> None:
    """They went into the new list as unsubscribed, and the others went on mailing them."""
    counts = run(SCOPED)
    assert (counts["elsewhere"], counts["stopped"], counts["unsubscribed"]) == (1, 1, 2)
    stop = Suppression.objects.get()
    assert (stop.value, stop.reason) == ("ann@b.example", "unsubscribed")
    assert mailed(shop) == {"bob", "cy"}
    assert run(SCOPED)["elsewhere"] == 0


def test_or_only_by_this_list_if_somebody_says_so(run: Run, shop: List) -> None:
    counts = run(SCOPED, "--unsubscribed-from=list")
    assert (counts["elsewhere"], counts["stopped"], counts["unsubscribed"]) == (1, 0, 2)
    assert mailed(shop) == {"ann", "bob", "cy"}
    assert mailed(List.objects.get(name="News")) == {"bob"}
    # The file says nothing new about Ann: nobody decides again.
    counts = run(SCOPED)
    assert (counts["elsewhere"], counts["stopped"]) == (0, 0)


def test_who_left_the_list_here_is_asked_about_by_no_file(run: Run, shop: List) -> None:
    """By the link of a mail to News, Ann left News and stayed on Shop."""
    news = List.objects.create(workspace=shop.workspace, name="News")
    ann = Contact.objects.get(email="ann@b.example")
    Subscription.objects.create(list=news, contact=ann, status="unsubscribed")
    assert run(SCOPED)["elsewhere"] == 0
    assert "ann" in mailed(shop)


@pytest.mark.parametrize("scope", ["everywhere", "list"])
def test_later_lines_of_a_person_say_it_too(
    workspace: Workspace, shop: List, monkeypatch: pytest.MonkeyPatch, scope: str
) -> None:
    """In batches of a line, the check knows what earlier ones would have written."""
    monkeypatch.setattr(importrun, "BATCH", 1)
    lines = "ann@b.example,subscribed\nann@b.example,unsubscribed\nann@b.example,unsubscribed\n"
    file = importuploads.receive(
        workspace, filename="x.csv", pieces=[f"email,status\n{lines}".encode()], by=None, limit=999
    )
    importchoices.configure(
        file,
        dialect=file.dialect,
        mapping=file.mapping,
        target=None,
        new_list="News",
        consent="unknown",
        known="fill",
        answers={("elsewhere", ""): scope},
    )
    expected = importchecks.check(file, rows=None).counts
    imports.start(file, enqueue=None)
    while importrun.run(file.pk, size=1):
        pass
    file.refresh_from_db()
    assert file.state == "finished"
    assert {name: file.counts[name] for name in expected} == expected
    assert file.counts["elsewhere"] == 1
    assert file.counts["stopped"] == (scope == "everywhere")


def test_the_page_asks_from_what(owner_client: Client, shop: List) -> None:
    def checked() -> tuple[str, str]:
        owner_client.post("/w/brand/imports/new/", {"pasted": SCOPED})
        file = Import.objects.latest("pk")
        importchoices.configure(
            file,
            dialect=file.dialect,
            mapping=file.mapping,
            target=None,
            new_list=f"News {file.pk}",
            consent="unknown",
            known="fill",
        )
        at = f"/w/brand/imports/{file.pk}/"
        return at, owner_client.get(f"{at}?step=check&now=1").content.decode()

    at, page = checked()
    assert "1 person whom the file calls unsubscribed is subscribed to other lists." in text_of(
        page
    )
    # Nothing is chosen beforehand, and nothing starts before somebody has.
    assert 'value="everywhere" form="start-import" required>' in page
    assert 'value="list" form="start-import" required>' in page
    page = owner_client.post(
        f"{at}start/", {"checked": checked_of(page), "asks_scope": "1"}, follow=True
    ).content.decode()
    assert "Say what “unsubscribed” in this file means, then start." in page
    assert Import.objects.latest("pk").state == "ready"
    page = owner_client.get(f"{at}?step=check&now=1").content.decode()
    assert "would be suppressed" not in text_of(page)
    owner_client.post(f"{at}start/", {"checked": checked_of(page), "scope": "list"})
    file = Import.objects.latest("pk")
    importrun.run(file.pk)
    page = owner_client.get(at).content.decode()
    assert "1 person left only this list, as you said, and stays subscribed" in text_of(page)
    assert "ann" in mailed(shop)

    at, page = checked()
    owner_client.post(f"{at}start/", {"checked": checked_of(page)})
    importrun.run(Import.objects.latest("pk").pk)
    page = owner_client.get(at).content.decode()
    assert "1 of these is unsubscribed according to the file" in text_of(page)
    assert mailed(shop) == {"bob", "cy"}


def test_an_import_starts_without_the_broker(owner_client: Client, workspace: Workspace) -> None:
    """Its sweeper tells a worker later; there is no broker in these tests. It was an error 500."""
    owner_client.post("/w/brand/imports/new/", {"pasted": "email\na@b.example\n"})
    file = Import.objects.get()
    answer = owner_client.post(f"/w/brand/imports/{file.pk}/start/")
    assert answer.status_code == 302
    assert imports.due() == [file.pk]


def test_of_a_large_file_the_page_asks_before_it_knows(
    owner_client: Client, shop: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importchecks, "CHECKED_ROWS", 1)
    data = "email,status\nbob@b.example,subscribed\nann@b.example,unsubscribed\n"
    owner_client.post("/w/brand/imports/new/", {"pasted": data})
    file = Import.objects.get()
    options: dict[str, Any] = {
        "dialect": file.dialect,
        "mapping": file.mapping,
        "consent": "unknown",
        "known": "fill",
    }
    at = f"/w/brand/imports/{file.pk}/?step=check&now=1"
    importchoices.configure(file, target=None, new_list="News", **options)
    assert "Unsubscribed from what?" in owner_client.get(at).content.decode()
    # Into no list, they are suppressed anyway; with one list there is no other.
    importchoices.configure(file, target=None, **options)
    assert "Unsubscribed from what?" not in owner_client.get(at).content.decode()
    importchoices.configure(file, target=shop, **options)
    assert "Unsubscribed from what?" not in owner_client.get(at).content.decode()


def test_the_command_says_what_it_did_to_them(
    shop: List, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "people.csv"
    path.write_text(SCOPED)
    call_command("import_contacts", str(path), "--workspace=brand", "--list=News", "--dry-run")
    assert "They would be suppressed" in capsys.readouterr().out
    call_command("import_contacts", str(path), "--workspace=brand", "--list=News")
    said = capsys.readouterr().out
    assert "Unsubscribed in the file, and subscribed to other lists: 1." in said
    assert "They were suppressed" in said
    assert "--unsubscribed-from list" in said


def test_an_undone_import_says_what_stays(owner_client: Client, shop: List) -> None:
    owner_client.post("/w/brand/imports/new/", {"pasted": SCOPED})
    file = Import.objects.get()
    imports.start(file, enqueue=None)
    importrun.run(file.pk)
    at = f"/w/brand/imports/{file.pk}/"
    assert "2 suppressed (the suppressions can be lifted together)" in text_of(
        owner_client.get(at).content.decode()
    )
    owner_client.post(f"{at}undo/")
    page = text_of(owner_client.get(at).content.decode())
    assert "What the file said of people who want no mail stays" in page
    assert mailed(shop) == {"bob", "cy"}
    assert Suppression.objects.filter(lifted_at=None).count() == 2
