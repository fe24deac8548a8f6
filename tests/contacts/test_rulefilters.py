"""The filters of the page of contacts that are conditions of segments."""

import datetime as dt
from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Attribute, Contact
from contacts.queries import people as people_query
from contacts.queries import rulefilters
from contacts.segments import operators
from sending.models import Mailing, Message
from sending.queries.events import EventRow, record
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

KINDS = ("text", "number", "date", "boolean", "choice")


@pytest.fixture
def people(workspace: Workspace, other_workspace: Workspace) -> None:
    for kind in KINDS:
        choices = ["Gold", "Silver"] if kind == "choice" else []
        Attribute.objects.create(
            workspace=workspace, key=kind, label=kind.title(), type=kind, choices=choices
        )
    values = {"text": "上海 West", "number": 12.5, "date": "2001-02-03", "boolean": True}
    known = Contact.objects.create(
        workspace=workspace, email="known@a.example", attributes=values | {"choice": "Gold"}
    )
    other = {"text": "Bern", "number": 3, "date": "1999-12-31", "boolean": False}
    Contact.objects.create(
        workspace=workspace, email="other@b.example", attributes=other | {"choice": "Retired"}
    )
    make_contact(workspace, "blank@xn--fsqu00a.example")
    Contact.objects.create(
        workspace=other_workspace, email="stranger@a.example", attributes=known.attributes
    )


def found(workspace: Workspace, query: str) -> set[str]:
    people = people_query.filtered(workspace, QueryDict(query))
    return {email.partition("@")[0] for email in people.values_list("email", flat=True)}


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("domain=a.example", {"known"}),
        ("domain=@A.Example", {"known"}),
        ("domain=例子.example", {"blank"}),
        ("domain=例.example", set()),
        ("domain=example", set()),
        ("attribute=text", {"known", "other"}),
        ("attribute=text&match=filled&value=ignored", {"known", "other"}),
        ("attribute=text&match=blank", {"blank"}),
        ("attribute=text&match=is&value=BERN", {"other"}),
        ("attribute=text&match=contains&value=上海", {"known"}),
        ("attribute=text&match=contains&value=%25", set()),
        ("attribute=number&match=is&value=12,5", {"known"}),
        ("attribute=number&match=is&value=3", {"other"}),
        ("attribute=date&match=is&value=3 Feb 2001", {"known"}),
        ("attribute=boolean&match=is&value=是", {"known"}),
        ("attribute=boolean&match=is&value=no", {"other"}),
        ("attribute=choice&match=is&value=gold", {"known"}),
        # A value that is no choice any more is still found.
        ("attribute=choice&match=is&value=Retired", {"other"}),
        ("attribute=choice&match=contains&value=tire", {"other"}),
        ("attribute=text&match=is&value=Bern&domain=b.example", {"other"}),
        ("attribute=text&match=is&value=Bern&domain=a.example", set()),
    ],
)
def test_each(workspace: Workspace, query: str, expected: set[str]) -> None:
    assert found(workspace, query) == expected
    assert rulefilters.problem(workspace, QueryDict(query)) == ""


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("attribute=gone&match=blank", "The attribute gone does not exist any more"),
        ("attribute=text&match=is", "Enter a value for Text."),
        ("attribute=text&match=is&value=%20", "Enter a value for Text."),
        ("attribute=text&match=odd&value=x", "Choose how to compare."),
        ("attribute=number&match=is&value=many", "Enter a number, such as 12.5."),
        ("attribute=number&match=contains&value=1", "Only texts can be searched."),
        ("attribute=date&match=is&value=soon", "Enter a date, such as 2026-03-09."),
        ("attribute=boolean&match=is&value=maybe", "Enter yes or no."),
        (f"attribute=text&match=is&value={'x' * 501}", "Enter at most 500 characters."),
        (f"domain={'x' * 501}", "Enter at most 500 characters."),
        # Half of a filter.
        ("attribute=&match=is&value=x", "Choose the attribute to compare"),
        ("value=x", "Choose the attribute to compare"),
        ("match=blank", "Choose the attribute to compare"),
        ("within=3", "Choose what happened to mails in these days"),
        ("activity=danced", "The filter about mails is not known."),
        ("activity=opened&within=soon", "Enter a whole number from 1 to"),
        ("activity=never_opened&within=0", "Enter a whole number from 1 to"),
    ],
)
def test_a_filter_in_doubt_finds_nobody_and_says_why(
    workspace: Workspace, query: str, says: str
) -> None:
    assert found(workspace, query) == set()
    assert says in rulefilters.problem(workspace, QueryDict(query))


@pytest.mark.parametrize(
    "query", ["list=x", "tag=-1", "segment=%00x", "import=1e3", "days=soon", "status=dead"]
)
@pytest.mark.usefixtures("people")
def test_what_no_control_sends_finds_nobody(workspace: Workspace, query: str) -> None:
    assert found(workspace, query) == set()


def test_mails(workspace: Workspace, people: None, make_mailing: Callable[..., Mailing]) -> None:
    mailing, now = make_mailing(), timezone.now()
    long_ago = now - dt.timedelta(days=40)
    for name, opened in (("known", now), ("other", long_ago)):
        person = Contact.objects.get(workspace=workspace, email__startswith=name)
        message = Message.objects.create(
            mailing=mailing,
            contact_id=person.pk,
            address=person.email,
            state=Message.State.ACCEPTED,
            settled_at=opened,
            counts_opens=True,
        )
        record([EventRow(message.pk, "opened", opened)])
    everybody = {"known", "other", "blank"}
    assert found(workspace, "activity=sent") == {"known", "other"}
    assert found(workspace, "activity=never_sent") == {"blank"}
    assert found(workspace, "activity=opened&within=30") == {"known"}
    assert found(workspace, "activity=never_opened&within=30") == {"other", "blank"}
    assert found(workspace, "activity=clicked") == set()
    assert found(workspace, "activity=never_clicked") == everybody
    assert found(workspace, "activity=never_opened&domain=b.example") == set()


def test_all_that_mails_can_have_led_to_is_offered() -> None:
    offered = rulefilters.activities()
    keys = [one.key for one in offered]
    assert {"sent", "opened", "clicked", "never_sent", "never_opened", "never_clicked"} <= set(keys)
    assert all(one.takes in {operators.Takes.TIMES, operators.Takes.WITHIN} for one in offered)
