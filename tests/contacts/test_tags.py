"""Tags on pages: of one contact and of many, their table, renaming, merging and deleting."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, Workspace
from contacts import tagnames
from contacts.models import Contact, ContactTag, Tag
from contacts.provenance import BY_HAND, Source
from contacts.queries import people, tagging
from contacts.segments import rules
from contacts.services import contacts, tags
from contacts.views import peopletable
from tests.contacts.segments.scene import group, make_segment, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def text_of(page: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page).split()))


@pytest.fixture
def ann(workspace: Workspace) -> Contact:
    return make_contact(workspace, "ann@x.example")


@pytest.fixture
def bo(workspace: Workspace) -> Contact:
    return make_contact(workspace, "bo@x.example")


@pytest.fixture
def post(owner_client: Client) -> Callable[..., str]:
    def post(name: str, /, *args: int, **data: str) -> str:
        answer = owner_client.post(reverse(name, args=["brand", *args]), data, follow=True)
        assert answer.status_code == 200
        return text_of(answer.content.decode())

    return post


Post = Callable[..., str]


def give(name: str, *some: Contact) -> Tag:
    (tag,) = tags.make(some[0].workspace, [name])
    only = Contact.objects.filter(pk__in=[one.pk for one in some])
    tags.add(tag, only, source=BY_HAND)
    return tag


def of(contact: Contact) -> list[str]:
    return list(contact.tagged.order_by("tag__key").values_list("tag__name", flat=True))


# One contact -------------------------------------------------------------------------------------


def test_typed_tags_are_added_and_shown(ann: Contact, post: Post, owner_client: Client) -> None:
    post("contact_tags", ann.pk, tag_name="VIP, 老客户；ｖｉｐ")
    page = post("contact_tags", ann.pk, tag_name="vip")
    assert of(ann) == ["VIP", "老客户"]
    assert "Got the tags VIP and 老客户" in page
    vip = Tag.objects.get(name="VIP")
    html = owner_client.get(reverse("contact", args=["brand", ann.pk])).content.decode()
    assert f"/w/brand/contacts/?tag={vip.pk}" in html
    assert "Remove the tag VIP" in html
    post("contact_tags", ann.pk, remove=str(vip.pk))
    assert of(ann) == ["老客户"]


def test_a_name_with_a_comma_is_found_as_it_is(ann: Contact, bo: Contact, post: Post) -> None:
    give("Bath, Somerset", bo)
    post("contact_tags", ann.pk, tag_name="bath, somerset")
    assert of(ann) == ["Bath, Somerset"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (" , ", "Enter a tag."),
        ("x" * 101, "A tag has at most 100 characters."),
        (",".join(map(str, range(51))), "Add at most 50 tags at once."),
    ],
)
def test_what_can_t_be_a_tag(ann: Contact, post: Post, typed: str, said: str) -> None:
    assert said in post("contact_tags", ann.pk, tag_name=typed)
    assert not Tag.objects.exists()


def test_a_workspace_has_a_bound(ann: Contact, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagnames, "MOST", 2)
    give("a", ann)
    assert "There are 5,000 tags already" in post("contact_tags", ann.pk, tag_name="a, b, c")
    post("contact_tags", ann.pk, tag_name="a, b")
    assert of(ann) == ["a", "b"]


def test_another_workspace_is_left_alone(
    workspace: Workspace, other_workspace: Workspace, ann: Contact, post: Post, owner_client: Client
) -> None:
    theirs = make_contact(other_workspace, "ann@x.example")
    tag = give("Theirs", theirs)
    for name, data in (
        ("contact_tags", {"remove": tag.pk}),
        ("edit_tag", {"name": "Mine"}),
        ("delete_tag", {}),
    ):
        pk = ann.pk if name == "contact_tags" else tag.pk
        answer = owner_client.post(reverse(name, args=["brand", pk]), data)
        assert answer.status_code == 404, name
    assert tags.add(tag, Contact.objects.filter(pk=ann.pk), source=BY_HAND) == 0
    mine = give("Mine", ann)
    assert "There is no tag Theirs." in post("merge_tag", mine.pk, tag_name="Theirs")
    listed = owner_client.get(reverse("contacts", args=["brand"]), {"tag": tag.pk})
    assert listed.context["page"].rows == []
    assert "Theirs" not in owner_client.get(reverse("tags", args=["brand"])).content.decode()
    assert of(theirs) == ["Theirs"]


def test_a_deleted_contact_takes_its_tags_along(ann: Contact, bo: Contact) -> None:
    give("VIP", ann, bo)
    contacts.delete(Contact.objects.filter(pk=ann.pk))
    assert ContactTag.objects.get().contact_id == bo.pk


# Many --------------------------------------------------------------------------------------------


def test_a_bulk_action_adds_removes_and_is_undone(
    ann: Contact, bo: Contact, post: Post, owner_client: Client
) -> None:
    give("VIP", bo)
    page = owner_client.post(
        reverse("contacts_bulk", args=["brand"]),
        {"action": "tag", "tag_name": "vip", "all": "1", "query": ""},
        follow=True,
    ).content.decode()
    assert "1 contact got the tag “VIP”." in page
    assert of(ann) == of(bo) == ["VIP"]
    url = re.search(r'/w/brand/contacts/undo/\?token=[^"&]+', page)
    assert url
    owner_client.post(url[0])
    assert (of(ann), of(bo)) == ([], ["VIP"])
    page = post("contacts_bulk", action="untag", tag_name="VIP", all="1", query="")
    assert "The tag “VIP” was removed from 1 contact." in page
    assert not ContactTag.objects.exists()


@pytest.mark.parametrize(
    ("action", "typed", "said"),
    [
        ("tag", "", "Enter a tag first."),
        ("tag", f"a, {'b' * 101}", "A tag has at most 100 characters."),
        ("untag", "unknown", "There is no tag unknown."),
        ("tag", "x" * 101, "at most 100 characters"),
    ],
)
@pytest.mark.usefixtures("ann")
def test_a_bulk_action_needs_one_tag(post: Post, action: str, typed: str, said: str) -> None:
    page = post("contacts_bulk", action=action, tag_name=typed, all="1", query="")
    assert said in page
    assert not Tag.objects.exists()


def test_the_table_shows_and_filters(ann: Contact, bo: Contact, owner_client: Client) -> None:
    vip = give("VIP", ann)
    give("Trade", ann, bo)
    url = reverse("contacts", args=["brand"])
    page = owner_client.get(url).content.decode()
    assert f'<option value="{vip.pk}">VIP</option>' in page
    chosen = owner_client.get(url, {"tag": vip.pk})
    assert [one.pk for one in chosen.context["page"].rows] == [ann.pk]
    assert f'<option value="{vip.pk}" selected>VIP</option>' in chosen.content.decode()
    # What can't be read finds nobody.
    assert owner_client.get(url, {"tag": "nonsense"}).context["page"].total[0] == 0


def test_the_filter_knows_any_tag_and_none(
    ann: Contact, bo: Contact, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("A", "B", "C"):
        give(name, ann)
    url = reverse("contacts", args=["brand"])
    for chosen, expected in (("any", ann), ("none", bo)):
        answer = owner_client.get(url, {"tag": chosen})
        assert [one.pk for one in answer.context["page"].rows] == [expected.pk]
        assert f'<option value="{chosen}" selected>' in answer.content.decode()
    # "none" is no word of other filters.
    assert owner_client.get(url, {"list": "none"}).context["page"].total[0] == 0
    assert "more tag" not in text_of(answer.content.decode())
    monkeypatch.setattr(peopletable, "TAGS", 1)
    assert "2 more tags: search" in text_of(owner_client.get(url).content.decode())


def test_no_query_for_each_row(workspace: Workspace, ann: Contact, owner_client: Client) -> None:
    url = reverse("contacts", args=["brand"])
    give("VIP", ann)
    owner_client.get(url)
    with CaptureQueriesContext(connection) as few:
        owner_client.get(url)
    more = [make_contact(workspace, f"p{n}@x.example") for n in range(20)]
    give("Trade", *more)
    give("Other", *more)
    with CaptureQueriesContext(connection) as many:
        owner_client.get(url)
    assert len(many) == len(few)


# The page of tags --------------------------------------------------------------------------------


def test_the_page_counts_and_searches(ann: Contact, bo: Contact, owner_client: Client) -> None:
    give("VIP", ann, bo)
    give("老客户", ann)
    url = reverse("tags", args=["brand"])
    page = owner_client.get(url)
    assert [(tag.name, count.contacts) for tag, count in page.context["rows"]] == [
        ("VIP", 2),
        ("老客户", 1),
    ]
    found = owner_client.get(url, {"q": "ＩＰ"})
    assert [tag.name for tag, _count in found.context["rows"]] == ["VIP"]
    assert "No tag has this name" in owner_client.get(url, {"q": "zzz"}).content.decode()


def test_an_empty_page_says_what_tags_are_for(owner_client: Client) -> None:
    assert "No tags yet" in owner_client.get(reverse("tags", args=["brand"])).content.decode()


def test_many_are_counted_about(
    workspace: Workspace, owner_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tagging, "COUNT_UP_TO", 5)
    some = [make_contact(workspace, f"p{n}@x.example") for n in range(40)]
    many, few = give("Many", *some), give("Few", *some[:5])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contacttag")
    counts = tagging.counts([many.pk, few.pk])
    assert (counts[few.pk].contacts, counts[few.pk].exact) == (5, True)
    assert (counts[many.pk].contacts, counts[many.pk].exact) == (40, False)
    assert "about 40" in owner_client.get(reverse("tags", args=["brand"])).content.decode()


def test_names_are_suggested(ann: Contact, owner_client: Client) -> None:
    for name in ("Trade fair", "Fair", "VIP"):
        give(name, ann)
    page = owner_client.get(reverse("tag_names", args=["brand"]), {"tag_name": "ＦＡ"})
    assert re.findall('value="(.*?)"', page.content.decode()) == ["Fair", "Trade fair"]


def test_renaming(ann: Contact, post: Post) -> None:
    vip = give("VIP", ann)
    give("Trade", ann)
    assert "There is a tag with this name already." in post("edit_tag", vip.pk, name="ｔｒａｄｅ")
    assert "Saved." in post("edit_tag", vip.pk, name="vip")
    post("edit_tag", vip.pk, name="Very important")
    assert of(ann) == ["Trade", "Very important"]
    post("contact_tags", ann.pk, tag_name="VERY IMPORTANT")
    assert of(ann) == ["Trade", "Very important"]


def test_merging_asks_with_numbers(
    ann: Contact, bo: Contact, post: Post, owner_client: Client
) -> None:
    vip, trade = give("VIP", ann, bo), give("Trade", bo)
    ContactTag.objects.filter(tag=vip, contact=ann).update(source_kind="import", source_id=7)
    url = reverse("merge_tag", args=["brand", vip.pk])
    asked = text_of(owner_client.get(url, {"tag_name": "trade"}).content.decode())
    assert "2 contacts have the tag VIP. 1 of them has Trade, too." in asked
    assert Tag.objects.count() == 2
    said = post("merge_tag", vip.pk, tag_name="Trade")
    assert "“VIP” was merged into “Trade”: 2 contacts had it." in said
    assert of(ann) == of(bo) == ["Trade"]
    assert ContactTag.objects.get(contact=ann).source == Source("import", 7)
    assert list(Tag.objects.all()) == [trade]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "Enter the name of the tag"),
        ("vip", "into itself"),
        ("unknown", "There is no tag unknown."),
    ],
)
def test_merging_into_nothing(ann: Contact, post: Post, name: str, said: str) -> None:
    vip = give("VIP", ann)
    assert said in post("merge_tag", vip.pk, tag_name=name)
    assert of(ann) == ["VIP"]


def test_deleting(ann: Contact, bo: Contact, post: Post, owner_client: Client) -> None:
    vip = give("VIP", ann, bo)
    page = text_of(owner_client.get(reverse("edit_tag", args=["brand", vip.pk])).content.decode())
    assert "2 contacts have it and lose it for good." in page
    assert "The tag “VIP” is deleted. 2 contacts had it." in post("delete_tag", vip.pk)
    assert not Tag.objects.exists()
    assert Contact.objects.count() == 2


# Plans -------------------------------------------------------------------------------------------


def test_who_has_a_rare_tag_is_found_by_the_index(workspace: Workspace) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        tag = Tag.objects.create(workspace=workspace, name="VIP", key="vip")
        found = people.filtered(workspace, QueryDict(f"tag={tag.pk}")).order_by("-pk")[:50]
        assert "contacts_contacttag_pkey" in found.explain()


def test_conditions_of_segments_move_with_a_merged_tag(
    workspace: Workspace, owner: User, owner_client: Client
) -> None:
    new, old = tags.make(workspace, ["Loyal", "Old customer"])
    before = group("any", when("tag", str(old.pk), "has"), when("tag", str(new.pk), "has_not"))
    segment = make_segment(workspace, before)
    merge, page = (
        reverse(name, args=["brand", pk])
        for name, pk in (("merge_tag", old.pk), ("segment", segment.pk))
    )
    assert page in owner_client.get(merge, {"tag_name": "Loyal"}).content.decode()
    owner_client.post(merge, {"tag_name": "Loyal"})
    segment.refresh_from_db()
    after = group("any", when("tag", str(new.pk), "has"), when("tag", str(new.pk), "has_not"))
    assert rules.read(segment.rule).items == (after,)
    assert segment.versions.get(number=2).made_by == owner
    # What was merged is still named in the first version.
    assert "“Old customer” (no longer exists)" in owner_client.get(page).content.decode()


def test_the_job_of_a_large_tag_moves_the_conditions_at_its_end(
    workspace: Workspace, owner: User
) -> None:
    new, old = tags.make(workspace, ["Loyal", "Old customer"])
    segment = make_segment(workspace, when("tag", str(old.pk), "has"))
    tags.take(old.pk, into=new.pk, after=0, limit=10, by=owner)
    segment.refresh_from_db()
    assert rules.read(segment.rule).items == (when("tag", str(new.pk), "has"),)
    assert segment.versions.get(number=2).made_by == owner


def test_a_refused_tag_of_many_keeps_text_and_selection(
    owner_client: Client, ann: Contact, bo: Contact
) -> None:
    bulk, page = (reverse(name, args=["brand"]) for name in ("contacts_bulk", "contacts"))
    form = {"action": "untag", "tag_name": "Nope", "pk": [ann.pk]}
    owner_client.post(bulk, form)
    text = owner_client.get(page).content.decode()
    assert re.search(r'name="tag_name" value="Nope"', text)
    assert re.search(rf'name="pk" value="{ann.pk}"\s+checked', text)
    assert not re.search(rf'name="pk" value="{bo.pk}"\s+checked', text)
    assert 'value="Nope"' not in owner_client.get(page).content.decode()


def test_many_get_several_tags_at_once_and_it_is_undone(
    owner_client: Client, ann: Contact, bo: Contact
) -> None:
    bulk = reverse("contacts_bulk", args=["brand"])
    form = {"action": "tag", "tag_name": "VIP, Trade", "pk": [ann.pk, bo.pk]}
    page = owner_client.post(bulk, form, follow=True).content.decode()
    assert ContactTag.objects.count() == 4
    undo = re.search(r'action="([^"]*undo[^"]*)"', page)
    assert undo
    owner_client.post(unescape(undo[1]))
    assert not ContactTag.objects.exists()


def test_one_tag_that_is_too_long_does_not_discard_the_line(
    owner_client: Client, ann: Contact
) -> None:
    long = "x" * 101
    url = reverse("contact_tags", args=["brand", ann.pk])
    page = owner_client.post(url, {"tag_name": f"VIP, {long}"}, follow=True).content.decode()
    assert [one.tag.name for one in ann.tagged.select_related("tag")] == ["VIP"]
    assert "This one was not added" in page
    assert f'value="{long}"' in page
