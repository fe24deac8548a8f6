"""Segments in audiences: who gets a mailing, who is left out and why, now and when it is frozen."""

from collections.abc import Callable, Sequence

import pytest

from accounts.models import Workspace
from contacts.audience import LIST, SEGMENT, SEGMENT_COPY, Audience, ids_of, parts
from contacts.models import Attribute, Contact, List, Subscription
from contacts.provenance import BY_HAND
from contacts.queries import audience, copies
from contacts.queries.audience import LEFT_OUT, RECIPIENTS, Question
from contacts.queries.segments import UnusableError
from contacts.segmentmodels import Segment, SegmentCopy, SegmentCopyPart
from contacts.services import segments as service
from contacts.services import suppressions
from sending.models import Freezing, LeftOut, Mailing, Message
from sending.queries.claim import left_since
from sending.services import freezing
from tests import factories
from tests.contacts.segments.scene import attribute, make_segment

pytestmark = pytest.mark.django_db

Open = Callable[[Audience], Mailing]


@pytest.fixture
def city(workspace: Workspace) -> Attribute:
    return Attribute.objects.create(workspace=workspace, key="city", label="City", type="text")


@pytest.fixture
def people(workspace: Workspace, city: Attribute) -> Callable[..., List]:
    """A list with people of a city."""

    def make(addresses: Sequence[str], place: str, name: str = "News") -> List:
        made = factories.make_list(workspace, addresses, name)
        Contact.objects.filter(email__in=addresses).update(attributes={"city": place})
        return made

    return make


@pytest.fixture
def shanghai(workspace: Workspace, city: Attribute) -> Segment:
    return make_segment(workspace, attribute("city", "is", "上海"), name="Shanghai")


@pytest.fixture
def beijing(workspace: Workspace, city: Attribute) -> Segment:
    return make_segment(workspace, attribute("city", "is", "北京"), name="Beijing")


def of(segment: Segment, *lists_in: List, out: Sequence[Segment] = ()) -> Audience:
    return Audience(
        segment.workspace_id,
        parts({LIST: [one.pk for one in lists_in], SEGMENT: [segment.pk]}),
        parts({SEGMENT: [one.pk for one in out]}),
    )


def told(asked: Audience) -> dict[str, str]:
    """{who: why not} of everybody in the audience as it is now."""
    found = [
        one
        for reason in (RECIPIENTS, LEFT_OUT)
        for one in audience.people(Question(asked, reason=reason), limit=100)
    ]
    assert audience.count(asked)["recipients"] == sum(not one.reason for one in found)
    return {one.address.partition("@")[0]: one.reason or "" for one in found}


def frozen(mailing: Mailing) -> dict[str, str]:
    got = Message.objects.filter(mailing=mailing).values_list("address", flat=True)
    out = LeftOut.objects.filter(mailing=mailing).values_list("address", "reason")
    both = dict.fromkeys(got, "") | dict(out)
    return {address.partition("@")[0]: reason for address, reason in both.items()}


def test_a_segment_reaches_those_of_it_who_are_on_a_list(
    people: Callable[..., List], workspace: Workspace, shanghai: Segment, open_for: Open
) -> None:
    news = people(["a@x.example", "b@x.example", "gone@x.example", "no@x.example"], "上海")
    people(["far@x.example"], "北京", "Others")
    Contact.objects.create(workspace=workspace, email="off@x.example", attributes={"city": "上海"})
    old = people(["old@x.example"], "上海", "Old")
    List.objects.filter(pk=old.pk).update(archived_at=news.created_at)
    Subscription.objects.filter(contact__email="gone@x.example").update(status="unsubscribed")
    suppressions.suppress_addresses(
        workspace, [("no@x.example", "")], reason="manual", source=BY_HAND
    )
    expected = {
        "a": "",
        "b": "",
        "gone": "no_list",
        "off": "no_list",
        # On a list that is archived.
        "old": "no_list",
        "no": "suppressed_manual",
    }
    asked = of(shanghai)
    assert told(asked) == expected
    mailing = open_for(asked)
    assert frozen(mailing) == expected
    assert mailing.people.as_json() == {"include": {"segment_copy": [SegmentCopy.objects.get().pk]}}
    assert (mailing.people.only_lists, mailing.people.of_segments) == (False, True)


def test_a_segment_beside_a_list(
    people: Callable[..., List], shanghai: Segment, open_for: Open
) -> None:
    """Who has left a list of the audience gets nothing, also as one of the segment."""
    news = people(["a@x.example", "left@x.example"], "上海")
    people(["far@x.example"], "北京", "Others")
    other = people(["b@x.example", "left@x.example"], "上海", "Third")
    Subscription.objects.filter(contact__email="left@x.example", list=news).update(
        status="unsubscribed"
    )
    expected = {"a": "", "left": "unsubscribed", "b": ""}
    asked = of(shanghai, news)
    assert told(asked) == expected
    mailing = open_for(asked)
    assert frozen(mailing) == expected
    # Who leaves the last list after the freeze is told so when the mail would be sent.
    rows = {one.address[0]: one.pk for one in Message.objects.filter(mailing=mailing)}
    assert left_since(mailing, list(rows.values())) == {}
    Subscription.objects.filter(list=other).update(status="unsubscribed")
    assert left_since(mailing, list(rows.values())) == {rows["b"]: "no_list"}


def test_a_segment_that_is_left_out_is_named(
    people: Callable[..., List], shanghai: Segment, beijing: Segment, open_for: Open
) -> None:
    news = people(["a@x.example", "b@x.example"], "上海")
    Contact.objects.filter(email="b@x.example").update(attributes={"city": "北京"})
    asked = Audience(news.workspace_id, parts({LIST: [news.pk]}), parts({SEGMENT: [beijing.pk]}))
    assert told(asked) == {"a": "", "b": "excluded_segment"}
    [left] = audience.people(Question(asked, reason=LEFT_OUT), limit=9)
    assert (left.cause_id, left.since) == (beijing.pk, None)
    open_for(asked)
    row = LeftOut.objects.get()
    assert (row.reason, row.cause_id) == ("excluded_segment", beijing.pk)
    assert row.since == SegmentCopy.objects.get().made_at
    assert copies.names(news.workspace_id, [beijing.pk, shanghai.pk]) == {beijing.pk: "Beijing"}
    # Of two segments, both hold.
    both = Audience(
        news.workspace_id, parts({LIST: [news.pk]}), parts({SEGMENT: [beijing.pk, shanghai.pk]})
    )
    assert set(told(both).values()) == {"excluded_segment"}
    causes = {one.address[0]: one.cause_id for one in audience.people(Question(both), limit=9)}
    assert causes == {"a": shanghai.pk, "b": beijing.pk}


def test_several_segments_reach_each_person_once(
    people: Callable[..., List], workspace: Workspace, shanghai: Segment, open_for: Open
) -> None:
    news = people([f"p{number}@x.example" for number in range(5)], "上海")
    again = make_segment(workspace, attribute("city", "contains", "上"), name="Again")
    asked = Audience(workspace.pk, parts({LIST: [news.pk], SEGMENT: [shanghai.pk, again.pk]}))
    assert audience.count(asked) == {"recipients": 5, "excluded": {}}
    mailing = open_for(asked)
    assert mailing.tally.targeted == 5
    assert SegmentCopy.objects.count() == 2
    # On both sides a segment is copied once, and nobody gets the mail.
    nobody = open_for(of(shanghai, out=[shanghai]))
    assert SegmentCopy.objects.count() == 3
    assert (nobody.tally.targeted, nobody.excluded) == (0, {"excluded_segment": 5})


def test_it_stays_the_same_while_it_is_frozen(
    people: Callable[..., List],
    shanghai: Segment,
    beijing: Segment,
    open_for: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between two pieces everybody moves, and the rules change: whoever was in a segment at the
    start is treated so, and nobody twice."""
    for name, value in (("SMALL", 12), ("FIRST", 10), ("MOST", 10)):
        monkeypatch.setattr(freezing, name, value)
    here = [f"s{number}@x.example" for number in range(30)]
    there = [f"b{number}@x.example" for number in range(30)]
    news = people([*here, *there], "上海")
    Contact.objects.filter(email__in=there).update(attributes={"city": "北京"})
    mailing = open_for(of(shanghai, news, out=[beijing]))
    assert Freezing.objects.exists()
    Contact.objects.filter(email__in=here).update(attributes={"city": "北京"})
    Contact.objects.filter(email__in=there).update(attributes={"city": "上海"})
    Segment.objects.update(rule={})
    while Freezing.objects.exists():
        freezing.go_on()
    assert frozen(mailing) == dict.fromkeys(
        (one.partition("@")[0] for one in here), ""
    ) | dict.fromkeys((one.partition("@")[0] for one in there), "excluded_segment")
    mailing.refresh_from_db()
    assert (mailing.tally.targeted, mailing.excluded) == (30, {"excluded_segment": 30})


def test_a_copy_keeps_the_people_of_its_moment(
    people: Callable[..., List], shanghai: Segment
) -> None:
    """In parts by id, each with its contacts in order."""
    people([f"p{number}@x.example" for number in range(7)], "上海")
    first = Contact.objects.order_by("pk").first()
    assert first is not None
    moved = (first.pk // 1024 + 3) * 1024
    Contact.objects.create(
        pk=moved, workspace=shanghai.workspace, email="z@x.example", attributes={"city": "上海"}
    )
    made = copies.copy(shanghai)
    assert (made.size, made.name, made.segment_number) == (8, "Shanghai", shanghai.pk)
    rows = SegmentCopyPart.objects.filter(copy=made).order_by("number")
    found = [pk for one in rows for pk in one.contacts]
    assert found == sorted(Contact.objects.values_list("pk", flat=True))
    assert [one.number for one in rows][-1] == moved // 1024
    kept = copies.copy(shanghai)
    copies.drop_contacts([Audience(shanghai.workspace_id, (), parts({SEGMENT_COPY: [made.pk]}))])
    assert set(SegmentCopyPart.objects.values_list("copy", flat=True)) == {kept.pk}
    assert SegmentCopy.objects.count() == 2


@pytest.mark.parametrize("side", ["include", "exclude"])
def test_a_rule_that_can_t_be_used_opens_nothing(
    people: Callable[..., List], shanghai: Segment, city: Attribute, open_for: Open, side: str
) -> None:
    news = people(["a@x.example"], "上海")
    city.delete()
    segment = parts({SEGMENT: [shanghai.pk]})
    lists = parts({LIST: [news.pk]})
    asked = Audience(
        news.workspace_id,
        segment if side == "include" else lists,
        segment if side == "exclude" else (),
    )
    for ask in (audience.count, audience.anybody, open_for):
        with pytest.raises(UnusableError) as caught:
            ask(asked)
        assert caught.value.segment == shanghai
    assert not Mailing.objects.exists()
    assert not SegmentCopy.objects.exists()


def test_another_workspace_s_segment_does_not_exist(
    people: Callable[..., List], other_workspace: Workspace, shanghai: Segment
) -> None:
    people(["a@x.example"], "上海")
    asked = Audience(other_workspace.pk, parts({SEGMENT: [shanghai.pk]}))
    with pytest.raises(UnusableError):
        audience.count(asked)
    service.delete(shanghai)
    with pytest.raises(UnusableError):
        copies.copied(Audience(shanghai.workspace_id, parts({SEGMENT: [shanghai.pk or 1]})))


def test_typed_text_stays_a_parameter(
    people: Callable[..., List], workspace: Workspace, open_for: Open
) -> None:
    """Percent signs, braces and quotes of a rule's values, live and copied."""
    odd = "100% {variant} %(first)s '; -- {audience}"
    people(["odd@x.example"], odd)
    people(["b@x.example"], "上海", "Others")
    segment = make_segment(
        workspace,
        attribute("city", "contains", "100% {variant} %(first)s '; -- {audience}"),
        attribute("city", "begins", "100%"),
        name="Odd {people} %s",
    )
    assert told(of(segment)) == {"odd": ""}
    mailing = open_for(of(segment))
    assert frozen(mailing) == {"odd": ""}
    assert ids_of(mailing.people.include, SEGMENT_COPY)
