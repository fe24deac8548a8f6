"""The bits that segments read: made when a mailing is over, true after each change, and the same as
what the messages say."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Workspace
from contacts.models import Contact
from contacts.provenance import BY_HAND
from contacts.queries import segments
from contacts.segments import compiling
from contacts.segments.kinds import Context, Match, kinds
from contacts.segments.rules import ALL, Condition, Group
from contacts.segments.sql import Sql, put
from contacts.services import contactmerge, openconsent
from contacts.services.contactmerge import Values
from sending.machines import Actor
from sending.models import AnswerBits, AnswerIndex, Event, Mailing, Message, Tally
from sending.queries import actors, answersql, unknowns
from sending.queries import answers as query
from sending.queries.answers import Kind
from sending.queries.events import EventRow, record
from sending.services import answers
from sending.services import blocks as turning
from tests.contacts.segments.scene import NOW, when
from tests.factories import make_contact
from tests.otherconnections import elsewhere
from tests.sending.test_retention import finish, run

pytestmark = pytest.mark.django_db
Make = Callable[..., Mailing]
State = Message.State
AT = NOW - dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def small_mailings_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "LEAST", 1)


@pytest.fixture
def people(workspace: Workspace) -> list[Contact]:
    """Some side by side, and some far away."""
    ids = [*range(1, 9), 4095, 4096, 12_300, 12_301]
    return [make_contact(workspace, f"p{number}@x.example", pk=10_000 + number) for number in ids]


@pytest.fixture
def mailing(make_mailing: Make, people: list[Contact]) -> Mailing:
    """Over, and sent to all but the last two."""
    made = make_mailing()
    for person in people[:-2]:
        send(made, person)
    over(made)
    return made


def send(mailing: Mailing, person: Contact, state: int = State.ACCEPTED, **values: Any) -> Message:
    known = {"settled_at": AT, "counts_opens": True} | values
    return Message.objects.create(
        mailing=mailing, contact_id=person.pk, address=person.email, state=state, **known
    )


def over(mailing: Mailing) -> None:
    accepted = Message.objects.filter(mailing=mailing, state=State.ACCEPTED).count()
    Tally.objects.filter(mailing=mailing).update(accepted=accepted)
    Mailing.objects.filter(pk=mailing.pk).update(state=Mailing.State.FINISHED)


def happened(mailing: Mailing, person: Contact, kind: str, actor: int = Actor.UNKNOWN) -> None:
    message = Message.objects.get(mailing=mailing, contact_id=person.pk)
    record([EventRow(message.pk, kind, AT, actor=actor)])


def stored(mailing: Mailing) -> dict[Kind, set[int]]:
    """The contacts of each kind, by the bits."""
    found: dict[Kind, set[int]] = defaultdict(set)
    for row in AnswerBits.objects.filter(mailing=mailing):
        first = row.span << AnswerBits.SHIFT
        found[Kind(row.kind)] |= {first + n for n, bit in enumerate(row.bits) if bit == "1"}
    return {kind: found[kind] for kind in Kind}


def expected(mailing: Mailing) -> dict[Kind, set[int]]:
    """The same by the messages."""
    found: dict[Kind, set[int]] = {kind: set() for kind in Kind}
    for one in Message.objects.filter(mailing=mailing, contact_id__gt=0):
        sent = one.state == State.ACCEPTED
        opened, clicked = one.opened_at is not None, one.clicked_at is not None
        says = {
            Kind.SENT: sent,
            Kind.OPENED: opened,
            Kind.OPENED_TOO: opened or one.machines & Message.MACHINE_OPENED,
            Kind.CLICKED: clicked,
            Kind.CLICKED_TOO: clicked or one.machines & Message.MACHINE_CLICKED,
            Kind.UNKNOWN: sent and (not one.counts_opens or one.machines & Message.HIDDEN),
        }
        for kind, yes in says.items():
            if yes:
                found[kind].add(one.contact_id or 0)
    return found


def test_a_mailing_that_is_over_is_indexed(mailing: Mailing, people: list[Contact]) -> None:
    happened(mailing, people[0], "opened")
    happened(mailing, people[1], "clicked")
    happened(mailing, people[2], "opened", Actor.SCANNER)
    happened(mailing, people[8], "opened", Actor.PRIVACY_PROXY)
    assert answers.tick() == 1
    found = stored(mailing)
    assert found == expected(mailing)
    assert found[Kind.SENT] == {one.pk for one in people[:-2]}
    assert found[Kind.OPENED] == {people[0].pk}
    assert found[Kind.OPENED_TOO] == {people[0].pk, people[2].pk, people[8].pk}
    assert found[Kind.CLICKED] == {people[1].pk}
    assert found[Kind.UNKNOWN] == {people[8].pk}
    assert query.ready([mailing.pk]) == [mailing.pk]
    assert answers.tick() == 0


def test_which_mailings_are_indexed(mailing: Mailing, monkeypatch: pytest.MonkeyPatch) -> None:
    mailings = Mailing.objects.filter(pk=mailing.pk)
    for values in (
        {"state": Mailing.State.SENDING},
        {"state": Mailing.State.PAUSED},
        {"state": Mailing.State.FINISHED, "kind": Mailing.Kind.STREAM},
        {"kind": Mailing.Kind.ONE_OFF, "details_dropped_at": AT},
    ):
        mailings.update(**values)
        assert answers.tick() == 0, values
    mailings.update(details_dropped_at=None, state=Mailing.State.CANCELLED)
    monkeypatch.setattr(query, "LEAST", 1000)
    assert answers.tick() == 0
    monkeypatch.setattr(query, "LEAST", 1)
    with elsewhere("SELECT pg_advisory_xact_lock(hashtext(%s))", "sending_answers"):
        assert answers.tick() == 0
    assert answers.tick() == 1


CHANGES: dict[str, Callable[[Mailing, list[Contact]], object]] = {
    "opened": lambda mailing, people: happened(mailing, people[3], "opened"),
    "opened by a machine": lambda mailing, people: happened(
        mailing, people[3], "opened", Actor.SCANNER
    ),
    "opened by a machine as well": lambda mailing, people: happened(
        mailing, people[0], "opened", Actor.SCANNER
    ),
    "hidden": lambda mailing, people: happened(mailing, people[9], "opened", Actor.PRIVACY_PROXY),
    "hidden after another machine": lambda mailing, people: happened(
        mailing, people[1], "opened", Actor.PRIVACY_PROXY
    ),
    "clicked": lambda mailing, people: happened(mailing, people[9], "clicked"),
    "clicked by a machine": lambda mailing, people: happened(
        mailing, people[9], "clicked", Actor.BURST
    ),
    "withdrawn": lambda _mailing, people: openconsent.withdraw(
        [people[0].pk, people[4].pk, people[11].pk], BY_HAND
    ),
    "merged": lambda _mailing, people: contactmerge.merge(
        people[4], people[0], Values({}, {}), by=None
    ),
    "merged with one who was sent nothing": lambda _mailing, people: contactmerge.merge(
        people[11], people[0], Values({}, {}), by=None
    ),
    "not a person after all": lambda mailing, people: not_a_person(mailing, people[0]),
}


def not_a_person(mailing: Mailing, person: Contact) -> None:
    message = Message.objects.get(mailing=mailing, contact_id=person.pk)
    events = Event.objects.filter(message=message).values_list("pk", flat=True)
    with transaction.atomic():
        actors.lock([message.pk], since=AT)
        actors.correct(dict.fromkeys(events, int(Actor.BURST)), [message.pk])


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("when_read", ["before", "while it is read", "after"])
def test_changes(mailing: Mailing, people: list[Contact], what: str, when_read: str) -> None:
    happened(mailing, people[0], "opened")
    happened(mailing, people[1], "opened", Actor.SCANNER)
    change = CHANGES[what]
    if when_read == "after":
        answers.make(mailing.pk)
        before = stored(mailing)
        change(mailing, people)
    else:
        query.begin(mailing.pk)
        if when_read == "before":
            change(mailing, people)
            query.read(mailing.pk)
        else:
            query.read(mailing.pk)
            # What was read before the change is written after it.
            read = list(AnswerBits.objects.filter(mailing=mailing))
            before = stored(mailing)
            change(mailing, people)
            write_late(read)
        query.end(mailing.pk)
    found, there = stored(mailing), expected(mailing)
    deleted = {one.pk for one in people} - set(Contact.objects.values_list("pk", flat=True))
    assert {kind: some - deleted for kind, some in found.items()} == there
    if when_read != "before" and not deleted:
        assert (found == before) == (what == "opened by a machine as well")
    assert query.ready([mailing.pk])


def write_late(read: list[AnswerBits]) -> None:
    with connection.cursor() as cursor:
        for row in read:
            cursor.execute(
                "UPDATE sending_answerbits SET bits = bits | %s::bit(4096) WHERE id = %s",
                [row.bits, row.pk],
            )


def test_a_mailing_that_goes_on_is_not_read(mailing: Mailing, people: list[Contact]) -> None:
    answers.make(mailing.pk)
    send(mailing, people[-1])
    Tally.objects.filter(mailing=mailing).update(accepted=11)
    assert query.ready([mailing.pk]) == []
    assert answers.tick() == 1
    assert query.ready([mailing.pk])
    assert stored(mailing) == expected(mailing)


def test_decisions_about_unknown_results_make_it_anew(
    mailing: Mailing, people: list[Contact]
) -> None:
    send(mailing, people[-1], State.UNKNOWN)
    Tally.objects.filter(mailing=mailing).update(unknown=1)
    answers.make(mailing.pk)
    # As many as before: one was lost meanwhile.
    Tally.objects.filter(mailing=mailing).update(accepted=9)
    assert unknowns.count_as_sent(mailing, Message.objects.filter(mailing=mailing), 10) == 1
    assert query.ready([mailing.pk]) == []


@pytest.mark.django_db(transaction=True)
def test_bits_go_with_the_messages(mailing: Mailing) -> None:
    answers.make(mailing.pk)
    finish(mailing)
    turning.turn()
    run("--no-input")
    assert not AnswerIndex.objects.exists()
    assert not AnswerBits.objects.exists()
    rule, known = segments.context(
        mailing.workspace, Group(ALL, (when("mail", "any", "sent", 1),)), at=NOW
    )
    assert segments.count(rule, known) == 10


OPERATORS = [
    *(("sent", times) for times in (1, 2, 3)),
    *(("opened", times) for times in (1, 2)),
    *(("opened_too", times) for times in (1, 2)),
    *(("clicked", times) for times in (1, 2)),
    ("clicked_too", 1),
    *(
        (operator + too, None)
        for operator in ("never_opened", "never_clicked", "ignored", "unclicked")
        for too in ("", "_too")
    ),
    ("never_sent", None),
]


@pytest.fixture
def many(make_mailing: Make, people: list[Contact]) -> list[Mailing]:
    """Four mailings to some of the people, with whatever may happen to a mail."""
    dice = random.Random(7)  # noqa: S311 - no secret
    mailings = [make_mailing() for _number in range(4)]
    for made in mailings:
        for person in people:
            if dice.random() < 0.25:
                continue
            state = dice.choice([State.ACCEPTED] * 6 + [State.FAILED])
            send(made, person, state, counts_opens=dice.random() < 0.8)
            for kind in ("opened", "clicked"):
                if state == State.ACCEPTED and dice.random() < 0.6:
                    happened(made, person, kind, dice.choice([*Actor, *[Actor.UNKNOWN] * 9]))
        over(made)
    return mailings


@pytest.mark.parametrize(("operator", "times"), OPERATORS)
def test_bits_say_what_rows_say(
    workspace: Workspace, many: list[Mailing], operator: str, times: int | None
) -> None:
    values = () if times is None else (times,)
    sizes = set()
    for subject in ("any", "last_2", "last_5", str(many[1].pk)):
        condition = when("mail", subject, operator, *values)
        for indexed in (many, many[:2], []):
            AnswerIndex.objects.all().delete()
            for made in indexed:
                answers.make(made.pk)
            rule, known = segments.context(workspace, Group(ALL, (condition,)), at=NOW)
            match = compiled(condition, known)
            assert match.of_one
            pattern = "c.id NOT IN ({})" if match.of_one.without else "c.id IN ({})"
            theirs = contacts_where(put(pattern, match.of_one.sql))
            assert contacts_where(match.sql) == theirs
            assert segments.count(rule, known) == len(theirs)
            sizes.add(len(theirs))
    assert len(sizes) > 1, "all the same: the scene shows nothing"


def compiled(condition: Condition, known: Context) -> Match:
    subject = known.subjects.get(condition.kind, condition.subject)
    assert subject
    return kinds["mail"].compile(condition, subject, known)


def contacts_where(where: Sql) -> set[int]:
    with connection.cursor() as cursor:
        asked = put("SELECT c.id FROM contacts_contact c WHERE {}", where)
        cursor.execute(asked.text, asked.parameters)
        return {row[0] for row in cursor.fetchall()}


def test_contacts_that_lie_far_apart_are_asked_by_rows(
    workspace: Workspace, mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answersql, "MOST_SPANS", 2)
    answers.make(mailing.pk)
    condition = when("mail", "any", "sent", 1)
    rule, known = segments.context(workspace, Group(ALL, (condition,)), at=NOW)
    assert compiled(condition, known).people
    assert segments.count(rule, known) == 10


def test_a_workspace_without_contacts(workspace: Workspace, make_mailing: Make) -> None:
    make_mailing()
    for operator, values in (("sent", (1,)), ("ignored", ()), ("never_opened", ())):
        rule = Group(ALL, (when("mail", "any", operator, *values),))
        assert segments.count(*segments.context(workspace, rule, at=NOW)) == 0


def test_no_message_is_read(workspace: Workspace, many: list[Mailing]) -> None:
    for made in many:
        answers.make(made.pk)
    for operator, values in (("opened", (2,)), ("ignored", ()), ("never_opened", ())):
        rule = Group(ALL, (when("mail", "last_5", operator, *values),))
        sql = compiling.people(*segments.context(workspace, rule, at=NOW))
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + sql.text, sql.parameters)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        assert "sending_answerbits" in plan, plan
        # Not computed for each contact.
        assert "InitPlan" in plan, plan
        for other in ("sending_message", "sending_event", "SubPlan"):
            assert other not in plan, plan
