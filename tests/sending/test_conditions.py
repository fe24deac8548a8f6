"""The condition about mails: which campaigns, which action, how often, within how many days."""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from accounts.models import Workspace
from contacts.models import Contact
from contacts.queries import segments
from contacts.segments import compiling
from contacts.segments.rules import ALL, Group
from sending.machines import Actor
from sending.models import Event, Mailing, Message, PastRecipients
from sending.queries.events import EventRow, record
from tests.contacts.segments.scene import NOW, matching, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db
Make = Callable[..., Mailing]
State = Message.State
KINDS = {"bounced": "soft_bounced"}


@pytest.fixture
def people(workspace: Workspace) -> dict[str, Contact]:
    names = ("opener", "clicker", "reader", "bouncer", "failed", "nobody")
    return {name: make_contact(workspace, f"{name}@x.example") for name in names}


def send(mailing: Mailing, person: Contact, *, days: int = 1, **events: Any) -> None:
    """A message that the server accepted (or `state`) so many days ago."""
    at = NOW - dt.timedelta(days=days)
    known: dict[str, Any] = {"state": State.ACCEPTED, "settled_at": at, "counts_opens": True}
    times = {f"{name}_at": at for name, happened in events.items() if happened is True}
    given = {name: value for name, value in events.items() if value is not True}
    message = Message.objects.create(
        mailing=mailing,
        contact_id=person.pk,
        address=person.email,
        **(known | times | given),
    )
    kinds = [KINDS.get(name, name) for name, happened in events.items() if happened is True]
    record(EventRow(message.pk, kind, at) for kind in kinds)


@pytest.fixture
def mailings(make_mailing: Make, people: dict[str, Contact]) -> list[Mailing]:
    """Three campaigns, the first 40 days ago."""
    first, second, third = (make_mailing() for _number in range(3))
    for name in ("opener", "clicker", "reader", "bouncer"):
        send(first, people[name], days=40)
    send(second, people["opener"], days=10, opened=True)
    send(second, people["clicker"], days=10, opened=True, clicked=True)
    send(second, people["reader"], days=10)
    send(third, people["opener"], opened=True)
    send(third, people["bouncer"], bounced=True)
    send(third, people["failed"], state=State.FAILED)
    return [first, second, third]


CASES = [
    ("any", "sent", [1], {"opener", "clicker", "reader", "bouncer"}),
    ("any", "sent", [3], {"opener"}),
    ("any", "sent", [1, 9], {"opener", "bouncer"}),
    ("any", "opened", [1], {"opener", "clicker"}),
    ("any", "opened", [2], {"opener"}),
    ("any", "opened", [2, 9], set()),
    ("any", "clicked", [1, 30], {"clicker"}),
    ("any", "bounced", [1], {"bouncer"}),
    ("any", "never_sent", [], {"failed", "nobody"}),
    ("any", "never_sent", [9], {"clicker", "reader", "failed", "nobody"}),
    ("any", "never_opened", [], {"reader", "bouncer", "failed", "nobody"}),
    ("any", "never_clicked", [9], {"opener", "clicker", "reader", "bouncer", "failed", "nobody"}),
    ("any", "ignored", [], {"reader", "bouncer"}),
    ("any", "ignored", [20], {"reader", "bouncer"}),
    ("any", "unclicked", [], {"opener", "reader", "bouncer"}),
    ("last_1", "sent", [1], {"opener", "bouncer"}),
    ("last_1", "opened", [1], {"opener"}),
    ("last_2", "ignored", [], {"reader", "bouncer"}),
    ("last_1", "ignored", [], {"bouncer"}),
    ("0", "sent", [1], {"opener", "clicker", "reader", "bouncer"}),
    ("0", "ignored", [], {"opener", "clicker", "reader", "bouncer"}),
    ("2", "never_sent", [], {"clicker", "reader", "failed", "nobody"}),
]


@pytest.mark.parametrize(("subject", "operator", "values", "expected"), CASES)
def test_mails(  # noqa: PLR0917 - fixtures
    workspace: Workspace,
    mailings: list[Mailing],
    subject: str,
    operator: str,
    values: list[int],
    expected: set[str],
) -> None:
    which = str(mailings[int(subject)].pk) if subject.isdigit() else subject
    assert matching(workspace, when("mail", which, operator, *values)) == expected


@pytest.mark.parametrize(
    ("subject", "operator", "values", "expected"),
    [
        # Who got such a mail may have opened it; who opened another one did.
        ("any", "never_opened", [], {"reader", "failed", "nobody"}),
        ("last_1", "never_opened", [], {"opener", "clicker", "reader", "failed", "nobody"}),
        # Of a period, only its mails matter.
        ("any", "never_opened", [3], {"clicker", "reader", "failed", "nobody", "opener"}),
        ("any", "ignored", [], {"reader"}),
        ("last_1", "ignored", [], set()),
        ("any", "opened", [1], {"opener", "clicker"}),
        # Clicks are counted all the same.
        ("any", "unclicked", [], {"opener", "reader", "bouncer"}),
    ],
)
def test_an_open_that_is_not_counted_is_unknown(  # noqa: PLR0917 - fixtures
    workspace: Workspace,
    mailings: list[Mailing],
    make_mailing: Make,
    people: dict[str, Contact],
    subject: str,
    operator: str,
    values: list[int],
    expected: set[str],
) -> None:
    late = make_mailing()
    Message.objects.filter(mailing=mailings[2]).update(opened_at=None)
    Event.objects.filter(mailing=mailings[2], kind="opened").delete()
    send(late, people["bouncer"], counts_opens=False)
    if subject == "any" and values != [3]:
        send(late, people["opener"], counts_opens=False)
    assert matching(workspace, when("mail", subject, operator, *values)) == expected


def test_other_workspaces_and_streams_do_not_count(
    workspace: Workspace,
    other_workspace: Workspace,
    mailings: list[Mailing],
    make_mailing: Make,
    people: dict[str, Contact],
) -> None:
    stream = make_mailing(kind=Mailing.Kind.STREAM)
    send(stream, people["nobody"], opened=True)
    foreign = make_mailing()
    Mailing.objects.filter(pk=foreign.pk).update(workspace=other_workspace)
    send(foreign, people["nobody"], opened=True)
    assert "nobody" not in matching(workspace, when("mail", "any", "sent", 1))
    assert matching(workspace, when("mail", "last_1", "opened", 1)) == {"opener"}


def test_recipients_whose_messages_were_dropped_were_sent_a_mail(
    workspace: Workspace, mailings: list[Mailing], people: dict[str, Contact]
) -> None:
    PastRecipients.objects.create(
        mailing=mailings[0], span=1, offsets=[1, 2], contacts=[people["nobody"].pk, None]
    )
    assert "nobody" in matching(workspace, when("mail", "any", "sent", 1))
    assert matching(workspace, when("mail", "any", "never_sent")) == {"failed"}


def test_numbers_are_told(
    workspace: Workspace, mailings: list[Mailing], people: dict[str, Contact]
) -> None:
    rule = Group(ALL, (when("mail", "any", "opened", 1),))
    checked, known = segments.context(workspace, rule, at=NOW)
    told = segments.ask(checked, known, people["clicker"])[1].value
    assert told == "2 sent, 1 opened, 1 clicked, 0 bounced"


MACHINE_CASES = [
    # A machine's open counts only where it is asked for; a person who opened as well is a person.
    ("opened", [1], {"reader"}),
    ("opened_too", [1], {"reader", "scanned", "apple"}),
    ("opened", [2], set()),
    ("opened_too", [1, 9], {"reader", "scanned", "apple"}),
    ("clicked", [1, 30], {"reader"}),
    ("clicked_too", [1], {"reader", "scanned"}),
    # A scanner's open is none. Of people behind Apple's proxy nobody knows whether they opened.
    ("never_opened", [], {"scanned", "nobody", "unsent"}),
    ("never_opened", [9], {"scanned", "nobody", "unsent"}),
    ("never_opened_too", [], {"nobody", "unsent"}),
    ("never_clicked", [], {"scanned", "apple", "nobody", "unsent"}),
    ("never_clicked_too", [], {"apple", "nobody", "unsent"}),
    ("ignored", [], {"scanned", "nobody"}),
    ("ignored", [9], {"scanned", "nobody"}),
    ("ignored_too", [], {"nobody"}),
    ("unclicked", [], {"scanned", "apple", "nobody"}),
    ("unclicked_too", [], {"apple", "nobody"}),
]


@pytest.fixture
def scanned(workspace: Workspace, make_mailing: Make) -> Mailing:
    """A mail that machines opened: alone, hiding the person, and besides the person."""
    mailing = make_mailing()
    names = ("reader", "scanned", "apple", "nobody", "unsent")
    persons = {name: make_contact(workspace, f"{name}@x.example") for name in names}
    for name in ("reader", "scanned", "apple", "nobody"):
        send(mailing, persons[name])
    at = NOW - dt.timedelta(days=1)
    numbers = dict(Message.objects.values_list("address", "pk"))
    happened = [
        ("scanned", "opened", Actor.SCANNER),
        ("scanned", "clicked", Actor.BURST),
        ("apple", "opened", Actor.PRIVACY_PROXY),
        ("reader", "opened", Actor.PRIVACY_PROXY),
        ("reader", "clicked", Actor.SCANNER),
        ("reader", "opened", Actor.IMAGE_PROXY),
        ("reader", "clicked", Actor.UNKNOWN),
    ]
    record(
        EventRow(numbers[f"{name}@x.example"], kind, at, actor=actor)
        for name, kind, actor in happened
    )
    return mailing


@pytest.mark.parametrize(("operator", "values", "expected"), MACHINE_CASES)
def test_people_count_and_machines_where_the_condition_says_so(
    workspace: Workspace,
    scanned: Mailing,
    operator: str,
    values: list[int],
    expected: set[str],
) -> None:
    for subject in ("any", "last_1", str(scanned.pk)):
        assert matching(workspace, when("mail", subject, operator, *values)) == expected
    # Also for one contact, by the index.
    rule = Group(ALL, (when("mail", "any", operator, *values),))
    checked, known = segments.context(workspace, rule, at=NOW)
    found = {
        one.email.partition("@")[0]
        for one in Contact.objects.filter(workspace=workspace)
        if segments.ask(checked, known, one)[0].matches
    }
    assert found == expected


@pytest.mark.parametrize(
    ("operator", "expected"), [("opened", "1 sent, 0 opened"), ("opened_too", "1 sent, 1 opened")]
)
def test_numbers_count_as_the_condition_does(
    workspace: Workspace, scanned: Mailing, operator: str, expected: str
) -> None:
    rule = Group(ALL, (when("mail", "any", operator, 1),))
    checked, known = segments.context(workspace, rule, at=NOW)
    person = Contact.objects.get(email="scanned@x.example")
    assert segments.ask(checked, known, person)[1].value.startswith(expected)


# What a vacuum notes of a table with one page; all pages are visible, however many have rows that
# other tests took back.
VACUUMED = """
UPDATE pg_class SET relpages = 1, relallvisible = 1000, reltuples = 50
 WHERE relname ~ '^sending_event_[0-9]+$'
"""


@pytest.mark.parametrize("operator", ["opened", "opened_too", "clicked"])
def test_openers_are_read_from_the_index_alone(
    workspace: Workspace, scanned: Mailing, operator: str
) -> None:
    """After a vacuum; before it, other indexes cost the same."""
    rule = Group(ALL, (when("mail", "any", operator, 1, 30),))
    checked, known = segments.context(workspace, rule, at=NOW)
    found = compiling.people(checked, known)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(VACUUMED)
        cursor.execute(f"EXPLAIN {found.text}", found.parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert re.search(r"Index Only Scan using sending_event_\d+_mailing_id_kind_contact_id", plan)


@pytest.mark.parametrize("subject", ["any", "last_1"])
@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("never_opened", [], {"bot", "nobody", "unsent"}),
        ("never_opened", [3], {"bot", "nobody", "unsent"}),
        ("never_opened_too", [], {"nobody", "unsent"}),
        ("ignored", [], {"bot", "nobody"}),
        ("ignored", [3], {"bot", "nobody"}),
        ("ignored_too", [], {"nobody"}),
        ("opened", [1], set()),
        ("opened_too", [1], set()),
    ],
)
def test_who_clicks_has_read_the_mail(  # noqa: PLR0917 - fixtures
    workspace: Workspace,
    make_mailing: Make,
    subject: str,
    operator: str,
    values: list[int],
    expected: set[str],
) -> None:
    mailing = make_mailing()
    at = NOW - dt.timedelta(days=1)
    for name in ("person", "bot", "nobody"):
        send(mailing, make_contact(workspace, f"{name}@x.example"))
    make_contact(workspace, "unsent@x.example")
    numbers = dict(Message.objects.values_list("address", "pk"))
    record(
        EventRow(numbers[f"{name}@x.example"], "clicked", at, actor=actor)
        for name, actor in (("person", Actor.BROWSER), ("bot", Actor.BURST))
    )
    assert matching(workspace, when("mail", subject, operator, *values)) == expected
