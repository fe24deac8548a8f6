"""Mailings with several contents: who gets which, who is held out, and what each says."""

from collections import Counter
from collections.abc import Callable

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Workspace
from campaigns.queries.report import links
from contacts.audience import Audience
from contacts.models import List
from designs.models import Design
from designs.services import freeze as content_of
from relays.models import Relay
from sending.models import Event, LeftOut, Mailing, Message
from sending.services.mailings import open_mailing
from sending.variants import WHOLE, Choice, bounds
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes, design, relay
from tests.sending.engine.test_guards import deliver
from tracking.services import mails

__all__ = ["design", "relay"]
Open = Callable[..., Mailing]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=9), st.floats(0, 99))
def test_shares_cover_everybody_in_proportion(weights: list[int], holdout: float) -> None:
    begun = bounds(weights, holdout)
    assert begun[0] == round(WHOLE * holdout / 100)
    assert begun == sorted(begun)
    rest = WHOLE - begun[0]
    for weight, (first, after) in zip(
        weights, zip(begun, [*begun[1:], WHOLE], strict=True), strict=True
    ):
        assert abs((after - first) - rest * weight / sum(weights)) <= 1


@pytest.fixture
def open_split(workspace: Workspace, relay: Relay, make_list: Callable[..., List]) -> Open:
    """A mailing of two contents to so many people."""

    def make(number: int, *, weights: tuple[int, int] = (1, 1), **options: object) -> Mailing:
        people = make_list([f"p{one}@x.example" for one in range(number)])
        contents = [
            content_of(
                Design.objects.create(
                    workspace=workspace,
                    name=f"Design {name}",
                    html=f'<p>{name}</p><a href="https://{name}.example/">look</a>'
                    '<a href="{{ unsubscribe_url }}">leave</a>',
                ),
                subject=f"Subject {name}",
            )
            for name in ("ant", "bee")
        ]
        choices = [
            Choice(content, name, weight)
            for content, name, weight in zip(contents, "AB", weights, strict=True)
        ]
        return open_mailing(
            workspace=workspace,
            origin="campaign 7",
            content=choices,
            from_name="Brand",
            from_email="news@brand.example",
            audience=Audience.of_lists(workspace.pk, [people.pk]),
            relay=relay,
            **options,  # type: ignore[arg-type]
        )

    return make


@pytest.mark.django_db(transaction=True)
def test_each_gets_one_of_them(open_split: Open, sink: Sink) -> None:
    mailing = open_split(400, weights=(3, 1))
    counts = Counter(Message.objects.values_list("variant", flat=True))
    assert 260 <= counts[0] <= 340
    deliver(mailing)
    assert_closes(mailing)
    said = {recipient: content for _, recipient, content in sink.mails}
    assert len(said) == 400
    for address, variant in Message.objects.values_list("address", "variant"):
        name, other = (b"ant", b"bee") if variant == 0 else (b"bee", b"ant")
        assert b"Subject " + name in said[address]
        assert b"Subject " + other not in said[address]
    # Chance is the person's and the mailing's: asked again it says the same.
    message = Message.objects.filter(variant=1)[0]
    assert mails.rendered(message).subject == "Subject bee"
    assert mails.target(message, 0) == "https://bee.example/"


@pytest.mark.django_db
def test_a_part_is_held_out_and_told_why(open_split: Open) -> None:
    mailing = open_split(500, holdout=20.0)
    held = LeftOut.objects.filter(mailing=mailing)
    assert 60 <= held.count() <= 140
    assert set(held.values_list("reason", flat=True)) == {"held_out"}
    assert mailing.excluded == {"held_out": held.count()}
    assert mailing.tally.targeted == Message.objects.count() == 500 - held.count()


@pytest.mark.django_db(transaction=True)
def test_links_are_counted_for_each(open_split: Open, sink: Sink) -> None:
    mailing = open_split(60)
    deliver(mailing)
    mailing.refresh_from_db()
    for variant, clicks in ((0, 2), (1, 1)):
        for message in Message.objects.filter(variant=variant)[:clicks]:
            Event.objects.create(
                mailing=mailing, message=message, kind="clicked", at=timezone.now(), link=0
            )
    found = [(one.name, one.url, one.people, one.query) for one in links(mailing)]
    assert found == [
        ("A", "https://ant.example/", 2, "link=0&variant=0"),
        ("B", "https://bee.example/", 1, "link=0&variant=1"),
    ]
