"""The check that ends each test of a fault finds what an engine at fault would leave behind."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from sending.models import Mailing, Message, Tally
from tests.sending.engine.faults.check import assert_ended
from tests.sending.engine.faults.engine import drive
from tests.sending.engine.faults.scene import Scene, addresses, opened
from tests.sending.engine.faults.server import running

pytestmark = pytest.mark.django_db(transaction=True)

State = Message.State


def first(scene: Scene) -> Message:
    return Message.objects.filter(mailing=scene.mailing).order_by("pk")[0]


def moved(scene: Scene, state: int, reason: str = "", reply: str = "") -> None:
    """The first message stands as another one, and the tally says the same."""
    message = first(scene)
    Message.objects.filter(pk=message.pk).update(state=state, reason=reason, reply=reply)
    tally = Tally.objects.get(mailing=scene.mailing)
    tally.accepted -= 1
    name = State(state).name.lower()
    setattr(tally, name, getattr(tally, name) + 1)
    tally.save()


def mailed_twice(scene: Scene) -> None:
    server = scene.servers[0]
    server.take(server.mails[0])


def mailed_a_stranger_instead(scene: Scene) -> None:
    server = scene.servers[0]
    who = first(scene).address
    del server.accepted[who]


def left_out(scene: Scene) -> None:
    first(scene).delete()
    Tally.objects.filter(mailing=scene.mailing).update(targeted=len(scene.people) - 1)


def miscounted(scene: Scene) -> None:
    Tally.objects.filter(mailing=scene.mailing).update(accepted=0)


def still_open(scene: Scene) -> None:
    Mailing.objects.filter(pk=scene.mailing.pk).update(state=Mailing.State.SENDING)


def failed_though_it_was_taken(scene: Scene) -> None:
    moved(scene, State.FAILED, "address", "550 5.1.1 No such user")


def skipped_though_it_was_taken(scene: Scene) -> None:
    moved(scene, State.SKIPPED, "unsubscribed")


def failed_without_a_refusal(scene: Scene) -> None:
    mailed_a_stranger_instead(scene)
    moved(scene, State.FAILED, "address", "550 5.1.1 No such user")


def unknown_without_a_content(scene: Scene) -> None:
    scene.servers[0].asked.clear()
    moved(scene, State.UNKNOWN, "in_doubt")


def unknown_without_a_reason(scene: Scene) -> None:
    moved(scene, State.UNKNOWN)


def somebody_elses_mail(scene: Scene) -> None:
    mails = scene.servers[0].mails
    mails[0] = replace(mails[0], content=mails[1].content)


def half_a_mail(scene: Scene) -> None:
    mails = scene.servers[0].mails
    mails[0] = replace(mails[0], content=mails[0].content[: len(mails[0].content) // 2])


@pytest.mark.parametrize(
    "spoil",
    [
        mailed_twice,
        mailed_a_stranger_instead,
        left_out,
        miscounted,
        still_open,
        failed_though_it_was_taken,
        skipped_though_it_was_taken,
        failed_without_a_refusal,
        unknown_without_a_content,
        unknown_without_a_reason,
        somebody_elses_mail,
        half_a_mail,
    ],
)
def test_it_is_found(spoil: Callable[[Scene], None]) -> None:
    with running() as server:
        scene = opened(addresses(6), server)
        drive(scene)
        assert_ended(scene)
        spoil(scene)
        with pytest.raises(AssertionError):
            assert_ended(scene)
