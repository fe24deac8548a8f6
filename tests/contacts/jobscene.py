"""Many people for jobs, and what a job left of them."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from accounts.models import User, Workspace
from contacts.models import (
    Attribute,
    Contact,
    ContactTag,
    Import,
    ImportedContact,
    Job,
    List,
    Subscription,
    Suppression,
    Tag,
)
from contacts.provenance import BY_HAND, Source
from contacts.services import attributes, imports, jobs, lists, suppressions, tags
from tests.otherconnections import address

PEOPLE = 60


@dataclass
class Scene:
    """Of 60 people, those with even numbers are on "Old" and have a city."""

    workspace: Workspace
    owner: User
    people: list[Contact]
    news: List
    old: List

    def start(self, kind: str, query: str = "", **more: object) -> Job:
        last = jobs.highest(Contact.objects.filter(workspace=self.workspace))
        given = {"query": query, **more}
        return jobs.start(self.workspace, kind, given, by=self.owner, last=last)


def make(workspace: Workspace, owner: User) -> Scene:
    news, old = (List.objects.create(workspace=workspace, name=name) for name in ("News", "Old"))
    people = Contact.objects.bulk_create(
        [
            Contact(
                workspace=workspace,
                email=f"p{number:03}@x.example",
                attributes={} if number % 2 else {"city": "Berlin", "age": 30},
            )
            for number in range(PEOPLE)
        ]
    )
    Subscription.objects.bulk_create(
        [Subscription(list=old, contact=one, **BY_HAND.columns) for one in people[::2]]
    )
    return Scene(workspace, owner, people, news, old)


def on(target: List) -> int:
    return Subscription.objects.filter(list=target, status="subscribed").count()


def in_force() -> int:
    return Suppression.objects.filter(lifted_at=None).count()


def finish(job: Job, size: int = 7) -> Job:
    while jobs.run(job.pk, size=size):
        pass
    job.refresh_from_db()
    return job


# How each job starts, and what is right when it has ended ---------------------------------------
Check = Callable[[Scene, Job], None]


def add(scene: Scene) -> Job:
    return scene.start("subscribe", list=scene.news.pk, name="News")


def added(scene: Scene, job: Job) -> None:
    assert on(scene.news) == job.counts["changed"] == PEOPLE


def take_off(scene: Scene) -> Job:
    return scene.start("remove", f"list={scene.old.pk}", list=scene.old.pk, name="Old")


def taken_off(scene: Scene, job: Job) -> None:
    assert on(scene.old) == 0
    assert job.counts["changed"] == PEOPLE / 2


def suppress(scene: Scene) -> Job:
    return scene.start("suppress")


def suppressed(scene: Scene, job: Job) -> None:
    assert in_force() == job.counts["changed"] == PEOPLE


def delete(scene: Scene) -> Job:
    return scene.start("delete")


def deleted(scene: Scene, job: Job) -> None:
    assert Contact.objects.count() == Subscription.objects.count() == 0
    assert job.counts["changed"] == PEOPLE


def suppress_all(scene: Scene) -> None:
    everybody = Contact.objects.filter(workspace=scene.workspace)
    suppressions.suppress_people(scene.workspace, everybody, reason="manual", source=BY_HAND)


def lift(scene: Scene) -> Job:
    suppress_all(scene)
    last = jobs.highest(Suppression.objects.all())
    return jobs.start(scene.workspace, "lift", {"query": ""}, by=scene.owner, last=last)


def lifted(scene: Scene, job: Job) -> None:
    assert in_force() == 0
    assert job.counts["changed"] == PEOPLE


def drop_attribute(scene: Scene) -> Job:
    city = Attribute.objects.create(workspace=scene.workspace, key="city", label="City")
    jobs.SMALL, before = 3, jobs.SMALL
    try:
        job = attributes.delete(city, by=scene.owner)
    finally:
        jobs.SMALL = before
    assert isinstance(job, Job)
    return job


def attribute_dropped(scene: Scene, job: Job) -> None:
    values = list(Contact.objects.values_list("attributes", flat=True))
    assert values.count({}) == values.count({"age": 30}) == job.counts["changed"] == PEOPLE / 2


def undo_import(scene: Scene) -> Job:
    """It made all but the first ten, whom it put on the list; one was changed since. For every
    second of the first ten, it had changed Rome to Berlin, and somebody changed two of them to
    Oslo since."""
    file = Import.objects.create(
        workspace=scene.workspace, filename="people.csv", state="finished", counts={"rows": PEOPLE}
    )
    Contact.objects.update(updated_at="2026-01-01T00:00Z", created_at="2026-01-01T00:00Z")
    scene.people[59].refresh_from_db()
    scene.people[59].first_name = "Ann"
    scene.people[59].save()
    Subscription.objects.all().delete()
    ImportedContact.objects.bulk_create(
        [
            ImportedContact(
                of_import=file,
                contact=one,
                outcome="new" if number >= 10 else "unchanged" if number % 2 else "updated",
                overwritten=None
                if number >= 10 or number % 2
                else {"attributes": {"city": ["Rome", "Berlin"]}},
            )
            for number, one in enumerate(scene.people)
        ]
    )
    Contact.objects.filter(pk__in=[scene.people[0].pk, scene.people[2].pk]).update(
        attributes={"city": "Oslo"}
    )
    lists.subscribe(scene.news, Contact.objects.all(), source=Source("import", file.pk))
    jobs.SMALL, before = 3, jobs.SMALL
    try:
        job = imports.undo(file, by=scene.owner)
    finally:
        jobs.SMALL = before
    assert isinstance(job, Job)
    return job


def import_undone(scene: Scene, job: Job) -> None:
    assert Subscription.objects.count() == 0
    left = set(Contact.objects.values_list("email", flat=True))
    assert left == {one.email for one in scene.people[:10]} | {scene.people[59].email}
    # The even ones of the first ten were updated: two of these were changed since.
    for person in scene.people[:10]:
        person.refresh_from_db()
    towns = [person.attributes["city"] for person in scene.people[:10:2]]
    assert towns == ["Oslo", "Oslo", "Rome", "Rome", "Rome"]
    names = ("restored", "stayed", "subscribed")
    assert job.counts == {
        "changed": 49, "subscriptions": PEOPLE, "kept": 1, "mailed": 0,
        **dict(zip(names, (3, 2, 0), strict=True)),
    }  # fmt: skip


def tagged(tag: Tag) -> int:
    return ContactTag.objects.filter(tag=tag).count()


def vip_of(scene: Scene) -> Tag:
    return tags.make(scene.workspace, ["VIP"])[0]


def give(scene: Scene, name: str, people: list[Contact]) -> Tag:
    (tag,) = tags.make(scene.workspace, [name])
    some = Contact.objects.filter(pk__in=[one.pk for one in people])
    tags.add(tag, some, source=BY_HAND)
    return tag


def add_tag(scene: Scene) -> Job:
    return scene.start("tag", tag=vip_of(scene).pk, name="VIP")


def tag_added(scene: Scene, job: Job) -> None:
    assert tagged(vip_of(scene)) == job.counts["changed"] == PEOPLE


def remove_tag(scene: Scene) -> Job:
    tag = give(scene, "VIP", scene.people[::2])
    return scene.start("untag", tag=tag.pk, name="VIP")


def tag_removed(scene: Scene, job: Job) -> None:
    assert tagged(vip_of(scene)) == 0
    assert job.counts["changed"] == PEOPLE / 2


def _ended(scene: Scene, end: Callable[..., int | Job], *given: Tag) -> Job:
    jobs.SMALL, before = 3, jobs.SMALL
    try:
        job = end(*given, by=scene.owner)
    finally:
        jobs.SMALL = before
    assert isinstance(job, Job)
    return job


def merge_tag(scene: Scene) -> Job:
    """All have VIP; those with even numbers have Trade already."""
    vip, trade = give(scene, "VIP", scene.people), give(scene, "Trade", scene.people[::2])
    return _ended(scene, tags.merge, vip, trade)


def tag_merged(scene: Scene, job: Job) -> None:
    assert {tag.name: tagged(tag) for tag in Tag.objects.all()} == {"Trade": PEOPLE}
    assert job.counts["changed"] == PEOPLE


def delete_tag(scene: Scene) -> Job:
    give(scene, "Trade", scene.people[:2])
    return _ended(scene, tags.delete, give(scene, "VIP", scene.people))


def tag_deleted(scene: Scene, job: Job) -> None:
    assert {tag.name: tagged(tag) for tag in Tag.objects.all()} == {"Trade": 2}
    assert job.counts["changed"] == Contact.objects.count() == PEOPLE


def _undo(scene: Scene, job: Job) -> Job:
    back = jobs.undo(finish(job), by=scene.owner)
    assert back is not None
    return back


def undo_add(scene: Scene) -> Job:
    job = finish(add(scene))
    # Who left meanwhile has left.
    left = Subscription.objects.filter(list=scene.news, contact=scene.people[3])
    left.update(status="unsubscribed")
    return _undo(scene, job)


def add_undone(scene: Scene, job: Job) -> None:
    assert on(scene.news) == 0
    assert Subscription.objects.get(list=scene.news).contact_id == scene.people[3].pk
    assert on(scene.old) == PEOPLE / 2
    assert job.counts["changed"] == PEOPLE - 1


def undo_suppress(scene: Scene) -> Job:
    known = Contact.objects.filter(pk=scene.people[0].pk)
    suppressions.suppress_people(scene.workspace, known, reason="complained", source=BY_HAND)
    return _undo(scene, suppress(scene))


def suppress_undone(scene: Scene, job: Job) -> None:
    assert Suppression.objects.get().reason == "complained"
    assert job.counts["changed"] == PEOPLE - 1


def undo_lift(scene: Scene) -> Job:
    return _undo(scene, lift(scene))


def lift_undone(scene: Scene, job: Job) -> None:
    assert in_force() == job.counts["changed"] == PEOPLE


def undo_tag(scene: Scene) -> Job:
    """One had it before."""
    give(scene, "VIP", scene.people[3:4])
    return _undo(scene, add_tag(scene))


def tag_undone(scene: Scene, job: Job) -> None:
    assert ContactTag.objects.get().contact_id == scene.people[3].pk
    assert job.counts["changed"] == PEOPLE - 1


KINDS: dict[str, tuple[Callable[[Scene], Job], Check]] = {
    "subscribe": (add, added),
    "remove": (take_off, taken_off),
    "suppress": (suppress, suppressed),
    "delete": (delete, deleted),
    "lift": (lift, lifted),
    "delete_attribute": (drop_attribute, attribute_dropped),
    "undo_import": (undo_import, import_undone),
    "undo_subscribe": (undo_add, add_undone),
    "undo_suppress": (undo_suppress, suppress_undone),
    "undo_lift": (undo_lift, lift_undone),
    "tag": (add_tag, tag_added),
    "untag": (remove_tag, tag_removed),
    "undo_tag": (undo_tag, tag_undone),
    "merge_tag": (merge_tag, tag_merged),
    "delete_tag": (delete_tag, tag_deleted),
}


# A worker that dies -----------------------------------------------------------------------------

# What a worker process does; it says each commit and then waits to be killed.
WORKER = """
import sys, time, django
django.setup()
from contacts.services import jobs

def progress(held):
    print(held.done, flush=True)
    if held.done >= int(sys.argv[2]):
        with_uncommitted(held)

def with_uncommitted(held):
    # In the middle of the next batch: its rows are changed, nothing is committed.
    from django.db import transaction
    from contacts import jobkinds
    with transaction.atomic():
        jobkinds.of(held).step(held, 7)
        print("ready", flush=True)
        time.sleep(60)

jobs.run(int(sys.argv[1]), size=7, seconds=600, progress=progress)
"""


def kill_in_the_middle(job: Job, rows: int) -> None:
    environment = os.environ | {
        "DATABASE_URL": address(),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(job.pk), str(rows)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert "ready" in (line.strip() for line in process.stdout)
        process.send_signal(signal.SIGKILL)
