"""Suppressions: how long they last, and that none hides another."""

import datetime as dt

import pytest
from django.utils import timezone

from accounts.models import User, Workspace
from contacts import erasure, patterns, suppressionwords
from contacts.models import Contact, Suppression
from contacts.provenance import BY_HAND, Source, one_action
from contacts.queries import mailable
from contacts.services import contacts
from contacts.services import suppressions as service
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import Entry

pytestmark = pytest.mark.django_db

EMAIL = "lee@x.example"
ADDRESS = Entry("address", EMAIL)
DAY = dt.timedelta(days=1)
CAMPAIGN = Source("campaign", 7)


def add(workspace: Workspace | None, *wanted: Wanted) -> int:
    return service.add(workspace, wanted, source=BY_HAND, by=None)


def bounced(workspace: Workspace, until: dt.datetime | None = None) -> int:
    reason = "soft_bounced" if until else "hard_bounced"
    return service.suppress_addresses(
        workspace,
        [(EMAIL, "550")],
        reason=reason,
        source=CAMPAIGN,
        messages={EMAIL: 77},
        until=until,
    )


def is_stopped(workspace: Workspace) -> bool:
    return bool(mailable.stopped_among(workspace, [EMAIL]))


@pytest.mark.parametrize("reason", Suppression.Reason.values)
def test_only_soft_bounces_end_by_themselves(workspace: Workspace, reason: str) -> None:
    assert add(workspace, Wanted(ADDRESS, reason)) == 1
    one = Suppression.objects.get()
    if reason == "soft_bounced":
        assert one.until is not None
        assert DAY * 89 < one.until - timezone.now() < DAY * 91
    else:
        assert one.until is None


def test_a_hard_bounce_is_not_hidden_by_one_that_ends(workspace: Workspace) -> None:
    assert bounced(workspace, until=timezone.now() + DAY) == 1
    assert bounced(workspace) == 1
    assert bounced(workspace) == 0
    Suppression.objects.filter(reason="soft_bounced").update(until=timezone.now() - DAY)
    assert is_stopped(workspace)
    assert {one.message_id for one in Suppression.objects.all()} == {77}


def test_one_that_ended_begins_again(workspace: Workspace) -> None:
    assert bounced(workspace, until=timezone.now() - DAY) == 1
    assert not is_stopped(workspace)
    Suppression.objects.update(created_at=timezone.now() - DAY * 9)
    assert bounced(workspace, until=timezone.now() + DAY) == 1
    assert is_stopped(workspace)
    assert Suppression.objects.get().created_at > timezone.now() - DAY
    Suppression.objects.update(created_at=timezone.now() - DAY * 2)
    one = Suppression.objects.get()
    # Longer: the same one. Shorter: it stays as it is.
    assert bounced(workspace, until=timezone.now() + DAY * 3) == 0
    assert bounced(workspace, until=timezone.now() + DAY * 2) == 0
    longer = Suppression.objects.get()
    assert longer.until is not None
    assert longer.until > timezone.now() + DAY * 2.5
    assert longer.created_at == one.created_at


@pytest.mark.parametrize("everywhere", [False, True])
def test_by_hand_after_the_end(workspace: Workspace, *, everywhere: bool) -> None:
    """The one that ended stays as history."""
    owner = None if everywhere else workspace
    now = timezone.now()
    assert add(owner, Wanted(ADDRESS, until=now - DAY)) == 1
    assert not is_stopped(workspace)
    assert add(owner, Wanted(ADDRESS, until=now + DAY)) == 1
    assert is_stopped(workspace)
    assert list(Suppression.objects.order_by("pk").values_list("lifted_at", "until")) == [
        (now - DAY, now - DAY),
        (None, now + DAY),
    ]
    # Prolonged, and then without an end.
    assert add(owner, Wanted(ADDRESS, until=now + DAY * 2)) == 0
    assert add(owner, Wanted(ADDRESS)) == (0 if everywhere else 1)
    Suppression.objects.exclude(until=None).update(until=now - DAY)
    assert is_stopped(workspace)


def test_a_person_sets_the_end(workspace: Workspace, other_workspace: Workspace) -> None:
    add(workspace, Wanted(ADDRESS))
    one = Suppression.objects.get()
    assert service.set_until(one, timezone.now() + DAY)
    assert is_stopped(workspace)
    assert service.set_until(one, timezone.now() - DAY)
    assert not is_stopped(workspace)
    # There is one that lasts meanwhile.
    add(workspace, Wanted(ADDRESS))
    assert not service.set_until(one, None)
    assert is_stopped(workspace)
    service.lift(one, None)
    assert not service.set_until(one, timezone.now() + DAY)
    assert not is_stopped(other_workspace)


def test_an_undone_lift_brings_back_both(workspace: Workspace, owner: User) -> None:
    add(workspace, Wanted(ADDRESS), Wanted(Entry("domain", "x.example")))
    bounced(workspace, until=timezone.now() + DAY)
    moment = timezone.now()
    assert service.lift_many(Suppression.objects.all(), owner, moment) == 3
    assert not is_stopped(workspace)
    add(workspace, Wanted(ADDRESS))
    # Two: the one that ends is no obstacle to the one that lasts, and the other way round.
    assert service.undo_lift(workspace, moment) == 2
    assert is_stopped(workspace)


def test_an_erased_person(workspace: Workspace, other_workspace: Workspace) -> None:
    add(workspace, Wanted(ADDRESS, "complained"))
    add(other_workspace, Wanted(ADDRESS))
    assert service.add_erased(workspace, " LEE@x.example ", source=BY_HAND, by=None) == 1
    assert service.add_erased(workspace, EMAIL, source=BY_HAND, by=None) == 0
    one = Suppression.objects.get(workspace=workspace)
    assert (one.kind, one.value, one.reason) == ("erased", erasure.digest(EMAIL), "erased")
    assert EMAIL not in str(Suppression.objects.filter(workspace=workspace).values())
    assert is_stopped(workspace)
    assert suppressionwords.value(one) == "an erased person"


def test_the_number_of_patterns_is_bounded(workspace: Workspace) -> None:
    def some(first: int, count: int) -> list[Wanted]:
        return [Wanted(Entry("pattern", f"no{n}*@*")) for n in range(first, first + count)]

    assert add(workspace, *some(0, patterns.MOST)) == patterns.MOST
    assert add(workspace, *some(50, 50)) == 0
    with pytest.raises(service.TooManyPatternsError, match="100 patterns at most"):
        add(workspace, *some(99, 2))
    assert add(None, *some(0, 1)) == 1


def test_undo_removes_what_one_action_added(workspace: Workspace) -> None:
    add(workspace, Wanted(ADDRESS))
    source = one_action()
    wanted = [Wanted(ADDRESS), Wanted(Entry("pattern", "noreply*@*"))]
    assert service.add(workspace, wanted, source=source, by=None) == 1
    assert service.undo_suppress(workspace, source) == 1
    assert Suppression.objects.get().value == EMAIL


@pytest.mark.parametrize(
    ("reason", "until", "is_carried"),
    [
        ("manual", DAY, True),
        ("manual", None, True),
        ("manual", -DAY, False),
        ("soft_bounced", DAY, False),
        ("hard_bounced", None, False),
    ],
)
def test_what_follows_to_a_new_address(
    workspace: Workspace, reason: str, until: dt.timedelta | None, *, is_carried: bool
) -> None:
    """What is about the person does, with its end; what is about the mailbox does not."""
    lee = Contact.objects.create(workspace=workspace, email=EMAIL)
    end = timezone.now() + until if until else None
    add(workspace, Wanted(ADDRESS, reason, end, "asked"))
    contacts.update(lee, email="new@x.example", known_names={}, attributes={})
    found = Suppression.objects.filter(value="new@x.example").values_list("until", "note")
    assert list(found) == ([(end, "asked")] if is_carried else [])
