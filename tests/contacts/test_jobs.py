"""Work on many rows: started by a request, done by workers in committed batches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from accounts.models import User, Workspace
from contacts import jobkinds
from contacts.jobkinds import BatchStep
from contacts.models import Attribute, Contact, Import, Job, List, Subscription, Tag
from contacts.services import attributes, jobs, tags
from tests.contacts import jobscene
from tests.contacts.jobscene import PEOPLE, Scene, finish, on
from tests.otherconnections import address

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("nudges")]


@pytest.fixture
def scene(workspace: Workspace, owner: User) -> Scene:
    return jobscene.make(workspace, owner)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request changes three rows at most itself."""
    monkeypatch.setattr(jobs, "SMALL", 3)


@pytest.fixture
def post(owner_client: Client) -> Callable[..., str]:
    def post(name: str, /, *args: int, **data: Any) -> str:
        url = reverse(name, args=["brand", *args])
        answer = owner_client.post(url, data, follow=True)
        assert answer.status_code == 200
        return str(answer.content.decode())

    return post


Post = Callable[..., str]


@contextmanager
def another_connection() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(address(), options="-c lock_timeout=2000") as other:
        yield other


# From the page -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("few")
def test_a_request_about_many_only_starts_the_job(scene: Scene, post: Post) -> None:
    page = post("contacts_bulk", action="add", list=scene.news.pk, all="1", query="")
    job = Job.objects.get()
    assert on(scene.news) == 0
    assert "Add to News" in page
    assert "Waiting for a worker" in page
    finish(job)
    assert on(scene.news) == PEOPLE
    page = post("undo_job", job.pk)
    assert "Undo: Add to News" in page
    finish(Job.objects.get(kind="undo_subscribe"))
    assert on(scene.news) == 0
    assert on(scene.old) == PEOPLE / 2
    # Once.
    assert "It can&#x27;t be undone any more." in post("undo_job", job.pk)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    ("action", "kind"), [("remove", "remove"), ("suppress", "suppress"), ("delete", "delete")]
)
def test_every_action_on_many_is_a_job(scene: Scene, post: Post, action: str, kind: str) -> None:
    query = f"list={scene.old.pk}"
    post("contacts_bulk", action=action, list=scene.old.pk, all="1", query=query)
    job = finish(Job.objects.get(kind=kind))
    assert job.counts["changed"] == job.done == job.total == PEOPLE / 2
    assert job.created_by == scene.owner


@pytest.mark.usefixtures("few")
def test_tagging_many_and_back(scene: Scene, post: Post) -> None:
    page = post("contacts_bulk", action="tag", tag_name="ＶＩＰ ", all="1", query="")
    assert "Add the tag “ＶＩＰ”" in page
    job = finish(Job.objects.get(kind="tag"))
    vip = Tag.objects.get()
    assert (vip.key, jobscene.tagged(vip), job.created_by) == ("vip", PEOPLE, scene.owner)
    post("contacts_bulk", action="untag", tag_name="vip", all="1", query=f"list={scene.old.pk}")
    removed = finish(Job.objects.get(kind="untag"))
    assert removed.counts["changed"] == jobscene.tagged(vip) == PEOPLE / 2
    page = post("undo_job", job.pk)
    assert "Undo: Add the tag “ＶＩＰ”" in page
    finish(Job.objects.get(kind="undo_tag"))
    assert jobscene.tagged(vip) == 0


def test_a_tag_that_is_deleted_meanwhile_ends_the_job(scene: Scene) -> None:
    job = jobscene.add_tag(scene)
    jobs.run(job.pk, size=15, seconds=0)
    vip = Tag.objects.get()
    assert jobscene.tagged(vip) == 15
    tags.delete(vip, by=None)
    finish(job)
    assert (job.state, job.counts["changed"]) == ("finished", 15)


def test_whoever_gets_a_tag_while_it_is_merged_is_moved_too(scene: Scene) -> None:
    job = jobscene.merge_tag(scene)
    jobs.run(job.pk, size=15, seconds=0)
    # Behind the job's place.
    jobscene.give(scene, "VIP", scene.people[:1])
    finish(job)
    jobscene.tag_merged(scene, job)


def test_nothing_is_lost_if_the_other_tag_goes_while_a_tag_is_merged(scene: Scene) -> None:
    job = jobscene.merge_tag(scene)
    jobs.run(job.pk, size=15, seconds=0)
    tags.delete(Tag.objects.get(name="Trade"), by=None)
    finish(job)
    assert (job.state, job.error.partition(":")[0]) == ("failed", "TagGoneError")
    assert jobscene.tagged(Tag.objects.get()) == PEOPLE - 15


@pytest.mark.usefixtures("few")
def test_lifting_many_and_back(scene: Scene, post: Post) -> None:
    jobscene.suppress_all(scene)
    post("lift_suppressions", all="1", query="")
    job = finish(Job.objects.get(kind="lift"))
    assert jobscene.in_force() == 0
    post("undo_job", job.pk)
    finish(Job.objects.get(kind="undo_lift"))
    assert jobscene.in_force() == PEOPLE


@pytest.mark.usefixtures("few")
def test_an_attribute_is_gone_at_once_and_its_key_is_kept_until_its_values_are(
    scene: Scene, post: Post
) -> None:
    city = Attribute.objects.create(workspace=scene.workspace, key="city", label="City")
    assert "Delete the values of City" in post("delete_attribute", city.pk)
    assert not Attribute.objects.exists()
    other = attributes.add(scene.workspace, label="City", type_="text")
    assert other.key != "city"
    job = finish(Job.objects.get())
    assert not Contact.objects.filter(attributes__has_key="city").exists()
    assert job.counts["changed"] == PEOPLE / 2
    assert attributes.add(scene.workspace, label="City", type_="text").key == "city"


@pytest.mark.usefixtures("few")
def test_two_tabs_that_ask_for_the_same_get_one_job(scene: Scene, post: Post) -> None:
    for _tab in range(2):
        post("contacts_bulk", action="add", list=scene.news.pk, all="1", query="")
    job = Job.objects.get()
    finish(job)
    # When it has ended, the same can be asked for again: it finds nothing to do.
    post("contacts_bulk", action="add", list=scene.news.pk, all="1", query="")
    again = finish(Job.objects.exclude(pk=job.pk).get())
    assert again.counts["changed"] == 0
    # What it did not do, it does not take back.
    assert jobs.undo(again, by=None) is None


def test_the_tray_shows_how_far_it_is(scene: Scene, owner_client: Client) -> None:
    job = jobscene.add(scene)
    jobs.run(job.pk, size=15, seconds=0)
    tray = owner_client.get(reverse("activity", args=["brand"])).content.decode()
    assert "Add to News" in tray
    assert "15 of 60" in tray
    finish(job)
    tray = owner_client.get(reverse("activity", args=["brand"])).content.decode()
    assert "60 contacts added to News." in tray


def test_the_tray_says_what_was_undone(scene: Scene, owner_client: Client) -> None:
    job = finish(jobscene.add(scene))
    imported = Import.objects.create(
        workspace=scene.workspace,
        filename="people.csv",
        state="finished",
        finished_at=timezone.now() - timedelta(hours=20),
        undone_at=timezone.now(),
    )
    jobs.undo(job, by=None)
    tray = owner_client.get(reverse("activity", args=["brand"])).content.decode()
    for one in (
        reverse("import", args=["brand", imported.pk]),
        reverse("job", args=["brand", job.pk]),
    ):
        told = tray.split(f'href="{one}"', 1)[1].split("data-task=", 2)[1]
        assert "Undone" in told
        assert "Finished" not in told
        assert "Done" not in told
        assert "hours ago" not in told


def test_a_viewer_sees_it_and_may_not_stop_it(
    scene: Scene, make_member: Callable[..., User]
) -> None:
    job = jobscene.add(scene)
    client = Client()
    client.force_login(make_member(scene.workspace, "viewer"))
    page = client.get(reverse("job", args=["brand", job.pk])).content.decode()
    assert reverse("cancel_job", args=["brand", job.pk]) not in page
    assert client.post(reverse("cancel_job", args=["brand", job.pk])).status_code == 403


# Which rows --------------------------------------------------------------------------------------


def test_who_is_added_after_the_start_is_not_touched(scene: Scene) -> None:
    job = jobscene.delete(scene)
    jobs.run(job.pk, size=15, seconds=0)
    late = Contact.objects.create(workspace=scene.workspace, email="late@x.example")
    finish(job)
    assert list(Contact.objects.all()) == [late]


def test_who_fits_no_more_when_the_turn_comes_is_not_touched(scene: Scene) -> None:
    job = scene.start("delete", f"list={scene.old.pk}")
    jobs.run(job.pk, size=15, seconds=0)
    stays = scene.people[58]
    Subscription.objects.filter(list=scene.old, contact=stays).delete()
    finish(job)
    assert stays in Contact.objects.all()
    assert Contact.objects.count() == PEOPLE / 2 + 1


def test_a_filter_that_the_action_itself_ends_misses_nobody(scene: Scene) -> None:
    job = scene.start("subscribe", "status=none", list=scene.news.pk, name="News")
    finish(job, size=4)
    assert on(scene.news) == job.counts["changed"] == PEOPLE / 2


def test_another_workspace_is_never_touched(scene: Scene, other_workspace: Workspace) -> None:
    theirs = Contact.objects.create(workspace=other_workspace, email="p000@x.example")
    finish(jobscene.add(scene))
    finish(jobscene.delete(scene))
    assert list(Contact.objects.all()) == [theirs]


# Workers -----------------------------------------------------------------------------------------


def test_a_cancel_stops_it_and_what_is_done_can_be_taken_back(scene: Scene, post: Post) -> None:
    job = jobscene.add(scene)
    jobs.run(job.pk, size=15, seconds=0)
    assert "It was stopped after 15 of 60." in post("cancel_job", job.pk)
    assert jobs.due() == []
    assert not jobs.run(job.pk)
    assert on(scene.news) == 15
    post("undo_job", job.pk)
    finish(Job.objects.get(kind="undo_subscribe"))
    assert on(scene.news) == 0


def test_a_cancel_in_the_middle_of_a_batch_undoes_that_batch(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobscene.add(scene)
    real = jobkinds.of(job).step

    def step(held: Job, size: int) -> BatchStep:
        done = real(held, size)
        if held.cursor:
            with another_connection() as other:
                other.execute(
                    "UPDATE contacts_job SET state = 'cancelled', finished_at = now()"
                    " WHERE id = %s",
                    [job.pk],
                )
        return done

    kind = jobkinds.JobKind("subscribe", step, lambda _job: PEOPLE, jobkinds.of(job).words)
    monkeypatch.setitem(jobkinds.kinds._items, "subscribe", (0, kind))
    jobs.run(job.pk, size=15)
    job.refresh_from_db()
    assert (job.state, job.done, on(scene.news)) == (Job.State.CANCELLED, 15, 15)


def test_a_batch_whose_lease_was_lost_counts_for_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobscene.add(scene)
    real = jobkinds.of(job).step
    taken: list[int] = []

    def step(held: Job, size: int) -> BatchStep:
        done = real(held, size)
        if not taken:
            taken.append(1)
            with another_connection() as other:
                other.execute("UPDATE contacts_job SET holder = 'b' WHERE id = %s", [job.pk])
        return done

    kind = jobkinds.JobKind("subscribe", step, lambda _job: PEOPLE, jobkinds.of(job).words)
    monkeypatch.setitem(jobkinds.kinds._items, "subscribe", (0, kind))
    assert not jobs.run(job.pk)
    job.refresh_from_db()
    assert (job.state, job.holder, job.done, on(scene.news)) == ("running", "b", 0, 0)


def test_a_person_who_is_deleted_in_the_middle_of_a_batch_does_not_stop_it(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch puts them on the list, and is done again when their row is gone."""
    job = jobscene.add(scene)
    real = jobkinds.of(job)
    gone: list[int] = []

    def step(held: Job, size: int) -> BatchStep:
        if not gone:
            gone.append(scene.people[1].pk)
            # Read before, deleted now, written after: as if the row went in between.
            Subscription.objects.bulk_create(
                [Subscription(list=scene.news, contact_id=2_000_000_000)]
            )
        return real.step(held, size)

    kind = jobkinds.JobKind("subscribe", step, real.count, real.words)
    monkeypatch.setitem(jobkinds.kinds._items, "subscribe", (0, kind))
    finish(job)
    assert (job.state, on(scene.news), job.counts["changed"]) == ("finished", PEOPLE, PEOPLE)


def test_an_error_ends_it_with_its_reason_and_it_can_go_on(
    scene: Scene, post: Post, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobscene.add(scene)
    jobs.run(job.pk, size=15, seconds=0)
    real = jobkinds.of(job)

    def step(held: Job, size: int) -> BatchStep:
        raise ValueError("no such thing")

    with monkeypatch.context() as patch:
        kind = jobkinds.JobKind("subscribe", step, real.count, real.words)
        patch.setitem(jobkinds.kinds._items, "subscribe", (0, kind))
        assert not jobs.run(job.pk)
    page = owner_client.get(reverse("job", args=["brand", job.pk])).content.decode()
    assert "ValueError: no such thing" in page
    post("go_on_with_job", job.pk)
    finish(job)
    assert (job.state, on(scene.news), job.counts["changed"]) == ("finished", PEOPLE, PEOPLE)


def test_others_wait_for_one_batch_at_most(scene: Scene) -> None:
    """Between two batches a change by somebody else goes through at once."""
    job = jobscene.add(scene)
    changed: list[int] = []

    def progress(held: Job) -> None:
        with another_connection() as other:
            row = other.execute(
                "UPDATE contacts_subscription SET status = 'unsubscribed'"
                " WHERE list_id = %s AND contact_id = %s",
                [scene.news.pk, held.cursor],
            )
            changed.append(row.rowcount)

    jobs.run(job.pk, size=15, progress=progress)
    assert changed == [1, 1, 1, 1]


def test_an_empty_result_ends_at_once(scene: Scene) -> None:
    job = finish(scene.start("delete", "q=nobody-like-this"))
    assert (job.state, job.done, job.total) == (Job.State.FINISHED, 0, 0)
    assert List.objects.count() == 2


def test_its_titles_are_in_the_language_of_whoever_reads_them(
    scene: Scene, owner_client: Client
) -> None:
    job = finish(jobscene.add(scene))
    with override("zh-hans"):
        back = jobs.undo(job, by=scene.owner)
    assert back is not None
    page = owner_client.get(reverse("job", args=["brand", back.pk])).content.decode()
    assert "Undo: Add to News" in page
