"""What people report of programs like this one: a "no" that an import, an edit or an undo lost, and
people who were left out for nothing."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from contacts.models import Contact, ImportReject, List, Subscription, Suppression
from contacts.provenance import BY_HAND, Source
from contacts.services import imports, lists, suppressions
from tests.contacts.test_export import mailed
from tests.contacts.test_imports import chosen, ran, received

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def news(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="News")


@pytest.fixture
def add(workspace: Workspace, news: List) -> Callable[..., Contact]:
    def add(name: str, status: str = "subscribed") -> Contact:
        one = Contact.objects.create(workspace=workspace, email=f"{name}@x.example", first_name="A")
        Subscription.objects.create(
            list=news, contact=one, status=status, **Source("campaign", 1).columns
        )
        return one

    return add


def states(news: List) -> dict[str, str]:
    rows = Subscription.objects.filter(list=news).values_list("contact__email", "status")
    return {email.partition("@")[0]: status for email, status in rows}


@pytest.mark.parametrize("known", ["fill", "overwrite", "skip"])
def test_overwriting_values_overwrites_no_status(
    workspace: Workspace, news: List, add: Callable[..., Contact], known: str
) -> None:
    """A bounce doesn't hide who unsubscribed, and neither changes with new values."""
    left, bounced, stays = add("left", "unsubscribed"), add("bounced"), add("stays")
    for one in (left, bounced):
        suppressions.suppress(
            workspace,
            value=one.email,
            kind="address",
            reason="hard_bounced",
            source=Source("campaign", 1),
        )
    Suppression.objects.filter(value=left.email).update(lifted_at=left.created_at)
    data = "email,first name\nleft@x.example,B\nbounced@x.example,B\nstays@x.example,B\n"
    ran(chosen(received(workspace, data), target=news, known=known))
    assert states(news) == {
        "left": "unsubscribed",
        "bounced": "subscribed",
        "stays": "subscribed",
    }
    assert mailed(workspace, news) == {"stays@x.example"}
    stays.refresh_from_db()
    assert stays.first_name == ("B" if known == "overwrite" else "A")


@pytest.mark.parametrize("there", [True, False])
def test_do_not_email_for_new_people_and_known_ones(
    workspace: Workspace, news: List, add: Callable[..., Contact], there: bool
) -> None:
    answers = {"a": "1", "b": "true", "c": "TRUE", "d": "0", "e": "false", "f": "", "g": "FALSE"}
    if there:
        for name in answers:
            add(name)
    rows = "".join(f"{name}@x.example,{answer}\n" for name, answer in answers.items())
    ran(chosen(received(workspace, f"email,doNotEmail\n{rows}"), target=news))
    assert mailed(workspace, news) == {f"{name}@x.example" for name in "defg"}


def test_a_bad_address_that_must_not_be_mailed_makes_nobody(
    workspace: Workspace, news: List
) -> None:
    data = "email,do not contact\nnobody@,1\nann@x.example,1\nbob(at)x,0\n"
    counts = ran(chosen(received(workspace, data), target=news))
    assert (counts["rejected"], counts["stopped"]) == (2, 1)
    assert not Contact.objects.exists()
    assert set(Suppression.objects.values_list("value", flat=True)) == {"ann@x.example"}
    assert ImportReject.objects.filter(kept=False).count() == 2


def test_suppressing_and_lifting_gives_no_place_back(
    workspace: Workspace, news: List, add: Callable[..., Contact], owner_client: Client
) -> None:
    """A member who suppresses somebody who had left, and lifts that again, has not resubscribed
    them; and the first reason is not replaced by the member's."""
    left, all_of_it = add("left", "unsubscribed"), add("all", "unsubscribed")
    suppressions.suppress(
        workspace,
        value=all_of_it.email,
        kind="address",
        reason="unsubscribed",
        source=Source("campaign", 1),
    )
    bulk = {"action": "suppress", "pk": [left.pk, all_of_it.pk]}
    owner_client.post(reverse("contacts_bulk", args=["brand"]), bulk)
    assert dict(Suppression.objects.values_list("value", "reason")) == {
        left.email: "manual",
        all_of_it.email: "unsubscribed",
    }
    stop = Suppression.objects.get(value=left.email)
    owner_client.post(reverse("lift_suppressions", args=["brand"]), {"pk": stop.pk})
    assert mailed(workspace, news) == set()


def test_a_corrected_address_is_mailed_again(
    workspace: Workspace, news: List, add: Callable[..., Contact], owner_client: Client
) -> None:
    """An address that never worked is corrected; and a stray bracket never gets into one."""
    one = add("wong")
    suppressions.suppress(
        workspace,
        value=one.email,
        kind="address",
        reason="hard_bounced",
        source=Source("campaign", 1),
    )
    url = reverse("edit_contact", args=["brand", one.pk])
    owner_client.post(url, {"email": "wang@x.example>"})
    one.refresh_from_db()
    assert one.email in {"wong@x.example", "wang@x.example"}
    owner_client.post(url, {"email": "wang@x.example"})
    assert mailed(workspace, news) == {"wang@x.example"}


def test_opt_outs_of_another_program_need_no_contacts(workspace: Workspace, news: List) -> None:
    ran(chosen(received(workspace, "email,status\nann@x.example,unsubscribed\n")))
    counts = ran(chosen(received(workspace, "email\nann@x.example\nbob@x.example\n"), target=news))
    assert (counts["suppressed"], counts["subscribed"]) == (1, 1)
    assert mailed(workspace, news) == {"bob@x.example"}


def test_a_column_that_was_mapped_wrongly_is_taken_back_together(
    workspace: Workspace, news: List, add: Callable[..., Contact], owner_client: Client
) -> None:
    """The dialog says what undo leaves; the suppressions of one import are lifted together."""
    for name in ("a", "b", "c"):
        add(name)
    other = add("other")
    suppressions.suppress(
        workspace,
        value=other.email,
        kind="address",
        reason="complained",
        source=Source("campaign", 1),
    )
    data = "email,blocked by admin\na@x.example,yes\nb@x.example,yes\nc@x.example,no\n"
    file = received(workspace, data)
    file.mapping = ["email", "suppressed"]
    counts = ran(chosen(file, target=news))
    assert counts["stopped"] == 2
    page = owner_client.get(reverse("import", args=["brand", file.pk])).content.decode()
    assert "2 suppressed (the suppressions can be lifted together)" in page
    imports.undo(file)
    assert mailed(workspace, news) == {"c@x.example"}
    owner_client.post(
        reverse("lift_suppressions", args=["brand"]), {"all": "1", "query": f"import={file.pk}"}
    )
    assert mailed(workspace, news) == {f"{name}@x.example" for name in "abc"}
    assert Suppression.objects.get(lifted_at=None).value == other.email


def test_who_came_back_by_themselves_stays(
    workspace: Workspace, news: List, add: Callable[..., Contact]
) -> None:
    """A member put them back after they had asked; a file without a status changes nothing."""
    one = add("back", "unsubscribed")
    lists.set_status(news, one, status="subscribed", source=BY_HAND)
    ran(chosen(received(workspace, "email\nback@x.example\n"), target=news))
    assert mailed(workspace, news) == {"back@x.example"}
