"""Conditions about a contact's address, lists, consent, imports, suppressions and segments."""

import datetime as dt

import pytest
from django.utils import timezone, translation

from accounts.models import Workspace
from contacts.models import (
    Contact,
    ContactTag,
    Import,
    ImportedContact,
    List,
    Subscription,
    Suppression,
    Tag,
)
from contacts.queries import segments
from contacts.queries.mergefields import merge_fields
from contacts.segments import wording
from contacts.segments.checking import RuleError
from contacts.segments.kinds import found as all_subjects
from contacts.segments.kinds import kinds
from contacts.segments.operators import Takes
from contacts.segments.rules import ALL, Condition, Group
from contacts.services import contactsheet
from contacts.templatetags.contacts import person_name
from tests.contacts.segments.scene import NOW, make_segment, matching, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def put_on(target: List, name: str, *, days: int = 0, **values: str) -> Contact:
    """`days` ago: its subscription was made, and changed."""
    one, _ = Contact.objects.get_or_create(workspace=target.workspace, email=f"{name}@x.example")
    row = Subscription.objects.create(list=target, contact=one, **values)
    at = NOW - dt.timedelta(days=days)
    Subscription.objects.filter(pk=row.pk).update(created_at=at, changed_at=at)
    return one


def values_found(workspace: Workspace, condition: Condition, person: Contact) -> str:
    rule, known = segments.context(workspace, Group(ALL, (condition,)), at=NOW)
    return segments.ask(rule, known, person)[1].value


@pytest.fixture
def news(workspace: Workspace) -> List:
    """With "new" and "old" on it, "left" who left, and "none" who was never on it."""
    target = List.objects.create(workspace=workspace, name="News")
    put_on(target, "new", days=1, consent="explicit")
    put_on(target, "old", days=100)
    put_on(target, "left", days=10, status="unsubscribed", consent="explicit")
    make_contact(workspace, "none@x.example")
    return target


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("subscribed", [], {"new", "old"}),
        ("not_subscribed", [], {"left", "none"}),
        ("joined_last_days", [7], {"new"}),
        ("joined_before", ["2026-03-01"], {"old"}),
        ("joined_after", ["2026-03-01"], {"new"}),
        ("unsubscribed", [], {"left"}),
        ("left_last_days", [10], {"left"}),
        ("left_last_days", [9], set()),
        ("never", [], {"none"}),
    ],
)
@pytest.mark.parametrize("subject", ["list", "any"])
def test_lists(  # noqa: PLR0917 - fixtures
    workspace: Workspace,
    news: List,
    operator: str,
    values: list[str],
    expected: set[str],
    subject: str,
) -> None:
    which = str(news.pk) if subject == "list" else "any"
    assert matching(workspace, when("list", which, operator, *values)) == expected


def test_any_list_is_one_of_this_workspace(
    workspace: Workspace, other_workspace: Workspace, news: List
) -> None:
    other = List.objects.create(workspace=workspace, name="Other")
    put_on(other, "none")
    foreign = List.objects.create(workspace=other_workspace, name="Foreign")
    person = Contact.objects.get(email="left@x.example")
    Subscription.objects.create(list=foreign, contact=person)
    assert matching(workspace, when("list", "any", "subscribed")) == {"new", "old", "none"}


def test_the_status_is_told(workspace: Workspace, news: List) -> None:
    on = when("list", str(news.pk), "subscribed")
    told = {
        name: values_found(workspace, on, Contact.objects.get(email=f"{name}@x.example"))
        for name in ("new", "left", "none")
    }
    assert told == {
        "new": "Subscribed, 9 Mar 2026",
        "left": "Unsubscribed, 28 Feb 2026",
        "none": "not on it",
    }


def test_consent_is_that_of_subscribers(workspace: Workspace, news: List) -> None:
    for subject in (str(news.pk), "any"):
        is_explicit = when("consent", subject, "is", "explicit")
        assert matching(workspace, is_explicit) == {"new"}
        is_not = when("consent", subject, "is_not", "explicit")
        assert matching(workspace, is_not) == {"old", "left", "none"}
    new = Contact.objects.get(email="new@x.example")
    assert values_found(workspace, is_explicit, new) == "Agreed to get mail (opt-in)"


def test_tags(workspace: Workspace, other_workspace: Workspace) -> None:
    vip, other = (Tag.objects.create(workspace=workspace, name=n, key=n) for n in ("vip", "other"))
    for name, days in (("new", 1), ("old", 100)):
        one = make_contact(workspace, f"{name}@x.example")
        ContactTag.objects.create(tag=vip, contact=one)
        at = NOW - dt.timedelta(days=days)
        ContactTag.objects.filter(contact=one).update(created_at=at)
    none = make_contact(workspace, "none@x.example")
    ContactTag.objects.create(tag=other, contact=none)
    which = str(vip.pk)
    has = when("tag", which, "has")
    assert matching(workspace, has) == {"new", "old"}
    assert matching(workspace, when("tag", which, "has_not")) == {"none"}
    assert matching(workspace, when("tag", which, "got_last_days", 7)) == {"new"}
    told = [values_found(workspace, has, one) for one in Contact.objects.order_by("email")]
    assert told == ["since 9 Mar 2026", "does not have it", "since 30 Nov 2025"]
    # Another workspace's tag is unknown here, as a deleted one.
    foreign = Tag.objects.create(workspace=other_workspace, name="vip", key="vip")
    for gone in (str(foreign.pk), "0"):
        with pytest.raises(RuleError):
            matching(workspace, when("tag", gone, "has_not"))


def test_any_tag_and_no_tag_at_all(workspace: Workspace, other_workspace: Workspace) -> None:
    vip, fair = (Tag.objects.create(workspace=workspace, name=n, key=n) for n in ("vip", "fair"))
    foreign = Tag.objects.create(workspace=other_workspace, name="vip", key="vip")
    both, one, none = (make_contact(workspace, f"{n}@x.example") for n in ("both", "one", "none"))
    for tag, contact, days in ((vip, both, 100), (fair, both, 1), (fair, one, 100)):
        row = ContactTag.objects.create(tag=tag, contact=contact)
        at = NOW - dt.timedelta(days=days)
        ContactTag.objects.filter(tag=row.tag, contact=contact).update(created_at=at)
    ContactTag.objects.create(tag=foreign, contact=none)
    has = when("tag", "any", "has")
    assert matching(workspace, has) == {"both", "one"}
    assert matching(workspace, when("tag", "any", "has_not")) == {"none"}
    assert matching(workspace, when("tag", "any", "got_last_days", 7)) == {"both"}
    told = [values_found(workspace, has, person) for person in (both, none)]
    assert told == ["the latest on 9 Mar 2026", "has no tag"]
    rule, known = segments.context(workspace, Group(ALL, (has, when("tag", "any", "has_not"))))
    assert wording.rule(rule, known.subjects) == "has a tag and has no tag at all"


def test_a_search_finds_tags_that_are_not_offered(
    workspace: Workspace, other_workspace: Workspace
) -> None:
    names = [f"b{number:04}" for number in range(501)] + ["a b0", "Zürich"]
    for own, some in ((workspace, names), (other_workspace, ["zürich west"])):
        tags = [Tag(workspace=own, name=name, key=name.lower()) for name in some]
        Tag.objects.bulk_create(tags)
    search = kinds["tag"].search
    assert search
    found = search(workspace.pk, "ZÜR")
    assert [one.label for one in found.subjects] == ["Zürich"]
    found = search(workspace.pk, "b0")
    assert (len(found.subjects), found.total) == (500, 502)
    # Those that begin with it come first.
    assert found.subjects[0].label == "b0000"
    assert "a b0" not in {one.label for one in found.subjects}
    assert not search(workspace.pk, "%").total


def test_address_and_domain(workspace: Workspace) -> None:
    make_contact(workspace, "ann@qq.com")
    make_contact(workspace, "bob@mail.qq.com")
    make_contact(workspace, "wang@xn--fsqu00a.xn--0zwm56d")

    def found(subject: str, operator: str, *values: str) -> set[str]:
        return matching(workspace, when("person", subject, operator, *values))

    assert found("domain", "is", "QQ.com") == {"ann"}
    assert found("domain", "is", "@qq.com") == {"ann"}
    assert found("domain", "contains", "qq.com") == {"ann", "bob"}
    assert found("domain", "is", "例子.测试") == {"wang"}
    assert found("email", "one_of", "ANN@qq.com\nwang@例子.测试") == {"ann", "wang"}
    assert found("email", "begins", "b") == {"bob"}


def test_imports(workspace: Workspace) -> None:
    file = Import.objects.create(workspace=workspace, filename="a.csv", state="finished")
    for name in ("new", "updated", "unchanged"):
        one = make_contact(workspace, f"{name}@x.example")
        ImportedContact.objects.create(of_import=file, contact=one, outcome=name)
    make_contact(workspace, "other@x.example")
    which = str(file.pk)
    in_it = when("import", which, "in")
    assert matching(workspace, in_it) == {"new", "updated", "unchanged"}
    assert matching(workspace, when("import", which, "new")) == {"new"}
    assert matching(workspace, when("import", which, "not_in")) == {"other"}
    person = Contact.objects.get(email="updated@x.example")
    assert values_found(workspace, in_it, person) == "updated"


def test_suppressions(workspace: Workspace, other_workspace: Workspace) -> None:
    for address in ("address@x.example", "domain@y.example", "lifted@x.example", "free@x.example"):
        make_contact(workspace, address)
    known = {"workspace": workspace, "reason": "manual"}
    Suppression.objects.create(
        workspace=workspace, kind="address", value="address@x.example", reason="complained"
    )
    Suppression.objects.create(kind="domain", value="y.example", **known)
    Suppression.objects.create(
        kind="address", value="lifted@x.example", lifted_at=timezone.now(), **known
    )
    Suppression.objects.create(
        workspace=other_workspace, kind="address", value="free@x.example", reason="manual"
    )
    assert matching(workspace, when("suppressed", "", "yes")) == {"address", "domain"}
    assert matching(workspace, when("suppressed", "", "no")) == {"lifted", "free"}
    complained = when("suppressed", "", "because", "complained")
    assert matching(workspace, complained) == {"address"}
    person = Contact.objects.get(email="address@x.example")
    assert values_found(workspace, complained, person) == "Complaint"


def test_other_segments(workspace: Workspace, news: List) -> None:
    inner = make_segment(workspace, when("list", str(news.pk), "subscribed"), name="Inner")
    outer = make_segment(workspace, when("segment", str(inner.pk), "not_in"), name="Outer")
    assert matching(workspace, when("segment", str(inner.pk), "in")) == {"new", "old"}
    assert matching(workspace, when("segment", str(outer.pk), "in")) == {"left", "none"}
    both = when("segment", str(outer.pk), "not_in"), when("person", "email", "begins", "n")
    assert matching(workspace, *both) == {"new"}


NAMES = [
    ("", "", ""),
    ("Ann", "", ""),
    ("", "Lee", ""),
    ("Ann", "Lee", ""),
    ("Ann", "Lee", "Dr. Ann Lee"),
    ("", "", "Whole"),
    ("伟", "王", ""),
    ("Wei", "王", ""),
    ("伟", "Wang", ""),
    ("はなこ", "山田", ""),
    ("민수", "김", ""),
    ("\uf900", "\ufaff", ""),
    ("É", "Ö", ""),
]


def test_the_full_name_is_that_of_mails_and_tables(workspace: Workspace) -> None:
    for number, (first, last, whole) in enumerate(NAMES):
        make_contact(
            workspace,
            f"p{number}@x.example",
            first_name=first,
            last_name=last,
            full_name=whole,
        )
    people = {one.email.partition("@")[0]: one for one in Contact.objects.all()}
    in_mails = merge_fields(workspace.pk, [one.pk for one in people.values()])
    condition = when("person", "full_name", "filled")
    shown = {name: person_name(one) for name, one in people.items()}
    for name, one in people.items():
        full = shown[name]
        assert in_mails[one.pk]["full_name"] == full
        assert values_found(workspace, condition, one) == (full or "–")
        if full:
            named = {other for other, theirs in shown.items() if theirs == full}
            assert matching(workspace, when("person", "full_name", "is", full)) == named
    assert matching(workspace, when("person", "full_name", "blank")) == {"p0"}
    assert matching(workspace, when("person", "full_name", "contains", "n le")) == {"p3", "p4"}
    sheet = contactsheet.sheet(workspace, Contact.objects.all())
    place, address = (sheet.header.index(name) for name in ("Full name", "E-mail address"))
    in_file = {row[address].partition("@")[0]: row[place] for row in sheet.rows}
    assert in_file == shown


VALUES: dict[Takes, tuple[str | int, ...]] = {
    Takes.NOTHING: (),
    Takes.DATE: ("2026-03-09",),
    Takes.DATES: ("2026-03-09", "2026-03-10"),
    Takes.DAYS: (7,),
    Takes.CHOICE: ("explicit",),
    Takes.TIMES: (2, 7),
    Takes.WITHIN: (7,),
}


def test_names_in_chinese_sentences_are_quoted_once(workspace: Workspace, news: List) -> None:
    make_segment(workspace, when("person", "first_name", "blank"), name="A")
    Tag.objects.create(workspace=workspace, name="A", key="a")
    Import.objects.create(
        workspace=workspace, filename="a.csv", size=1, state=Import.State.FINISHED
    )
    found = set()
    with translation.override("zh-hans"):
        subjects = all_subjects(workspace.pk, {}, choices=True)
        for kind in kinds:
            for subject in (one for one in subjects.of(kind.key) if one.named):
                found.add(kind.key)
                for operator in subject.operators:
                    told = wording.condition(
                        Condition(kind.key, subject.key, operator.key, VALUES[operator.takes]),
                        subjects,
                    )
                    assert "““" not in told, told
                    assert "””" not in told, told
    assert found >= {"segment", "tag", "import", "list"}
