"""/e/s/: a mail's recipient chooses lists, frequency, a pause and the language, without log-in."""
# ruff: noqa: PLR0917 - fixtures

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Workspace
from contacts.models import Attribute, Contact, List, Subscription, Suppression
from contacts.preferencemodels import MailFrequency, PreferenceChoice
from contacts.provenance import BY_HAND, Source
from contacts.services import preferences as choices
from contacts.services import suppressions
from sending.compose import tokens
from sending.models import Mailing, Message
from tests import factories
from tests.tracking.looks import assert_only_looked
from tracking.models import Hit
from tracking.services import preferences
from tracking.sources import BY_PERSON

Save = Callable[..., str]


@pytest.fixture
def url(message: Message) -> str:
    return f"/e/s/{tokens.make(message.pk)}"


@pytest.fixture
def public() -> Client:
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def club(workspace: Workspace) -> List:
    return List.objects.create(workspace=workspace, name="Club", public=True)


@pytest.fixture
def save(public: Client, url: str, lists: list[List]) -> Save:
    """Sends the form with these lists ticked, as a page that shows the fixture's lists and the
    club; returns the words of the next page."""

    def post(ticked: list[List] | None = None, **more: object) -> str:
        shown = [*lists, *List.objects.filter(public=True)]
        data = {
            "action": "save",
            "shown": [one.pk for one in shown],
            "list": [one.pk for one in (lists if ticked is None else ticked)],
            "frequency": "",
            "pause": "",
            **more,
        }
        answer = public.post(url, data)
        assert answer.status_code == 302, answer.content.decode()
        return public.get(answer["Location"]).content.decode()

    return post


def on(contact: Contact) -> set[str]:
    rows = Subscription.objects.filter(contact=contact, status="subscribed")
    return set(rows.values_list("list__name", flat=True))


def grow_old(message: Message, days: int) -> None:
    Mailing.objects.filter(pk=message.mailing_id).update(
        opened_at=timezone.now() - timedelta(days=days)
    )


def suppress(contact: Contact, reason: str, source: Source) -> Suppression:
    return suppressions.suppress(
        contact.workspace, value=contact.email, kind="address", reason=reason, source=source
    )


def test_get_and_head_change_nothing(
    url: str, public: Client, contact: Contact, club: List
) -> None:
    for query in ("", "?action=save", "?list=1&pause=1&frequency=week&again=1"):
        page = public.get(url + query)
        assert page.status_code == public.head(url + query).status_code == 200
        assert not page.cookies
    words = page.content.decode()
    for name in ("News", "Offers", "Other", "Club"):
        assert name in words
    assert on(contact) == {"News", "Offers", "Other"}
    assert not PreferenceChoice.objects.exists()
    assert not Suppression.objects.exists()
    assert_only_looked()


def test_what_is_unticked_is_left_and_the_rest_stays(
    save: Save, contact: Contact, lists: list[List], message: Message
) -> None:
    private = List.objects.create(workspace=contact.workspace, name="Unseen")
    Subscription.objects.create(list=private, contact=contact)
    for _ in range(2):
        assert "Saved." in save([lists[1]])
    assert on(contact) == {"Offers", "Unseen"}
    left = Subscription.objects.get(contact=contact, list=lists[0])
    assert left.source == message.mailing.source
    assert Hit.objects.filter(message_id=message.pk, kind="unsubscribed").count() == 1
    noted = PreferenceChoice.objects.filter(kind="left").values_list("value", flat=True)
    assert sorted(noted) == ["News", "Other"]
    assert not Suppression.objects.exists()


def test_a_public_list_is_joined_with_the_text_of_consent(
    save: Save, contact: Contact, lists: list[List], club: List
) -> None:
    for _ in range(2):
        assert "Saved." in save([*lists, club])
    row = Subscription.objects.get(contact=contact, list=club)
    assert (row.status, row.consent, row.source) == ("subscribed", "explicit", BY_PERSON)
    noted = PreferenceChoice.objects.get(kind="subscribed")
    assert noted.value == "Club"
    assert noted.words == (
        "[en] Club: A tick means that you want mail about this topic from "
        f"{contact.workspace.name}."
    )


def test_lists_that_are_not_public_cant_be_joined(
    save: Save, public: Client, url: str, contact: Contact, lists: list[List]
) -> None:
    other = Workspace.objects.create(name="Theirs", slug="theirs")
    hidden = [
        List.objects.create(workspace=contact.workspace, name="Staff"),
        List.objects.create(workspace=other, name="Theirs", public=True),
        List.objects.create(
            workspace=contact.workspace, name="Old", public=True, archived_at=timezone.now()
        ),
    ]
    for one in hidden:
        assert one.name not in public.get(url).content.decode()
        data = {"action": "save", "shown": [one.pk], "list": [one.pk]}
        assert "saved=less" in public.post(url, data)["Location"]
    assert on(contact) == {"News", "Offers", "Other"}


def test_an_old_mail_subscribes_nobody_but_still_leaves(
    save: Save, contact: Contact, lists: list[List], club: List, message: Message
) -> None:
    grow_old(message, 31)
    words = save([lists[0], club], frequency="week", pause="1")
    assert "except for new topics" in words
    assert "Club" not in words
    assert "more than 30 days old" in words
    assert on(contact) == {"News"}
    assert MailFrequency.objects.get().most == "week"
    assert Suppression.objects.get().reason == "paused"
    assert "Saved." in save([lists[0]], pause="end")
    assert Suppression.objects.get().lifted_at is not None


def test_a_mail_to_a_former_address_subscribes_nobody(
    save: Save, contact: Contact, club: List, lists: list[List]
) -> None:
    Contact.objects.filter(pk=contact.pk).update(email="new@people.example")
    words = save([lists[0], club])
    assert "new@people.example" not in words
    assert "Club" not in words
    assert on(contact) == {"News"}


def test_a_pause_stops_and_starts_again(
    save: Save, contact: Contact, public: Client, url: str
) -> None:
    for _ in range(2):
        words = save(pause="2")
    stop = Suppression.objects.get()
    assert (stop.value, stop.reason) == (contact.email, "paused")
    assert stop.until == preferences.end_of(2, timezone.localdate())
    assert "Keep the pause until" in words
    assert PreferenceChoice.objects.filter(kind="paused").count() == 1
    save(pause="1")
    assert Suppression.objects.get().until == preferences.end_of(1, timezone.localdate())
    save(pause="end")
    save(pause="end")
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert PreferenceChoice.objects.filter(kind="resumed").count() == 1
    # The page of the unsubscription asks as before.
    save(pause="3")
    assert "What would you like to stop?" in public.get(url.replace("/s/", "/u/")).content.decode()


@pytest.mark.parametrize(
    ("months", "day", "end"),
    [
        (1, date(2027, 1, 31), datetime(2027, 2, 28, tzinfo=UTC)),
        (3, date(2026, 11, 30), datetime(2027, 2, 28, tzinfo=UTC)),
        (2, date(2027, 12, 1), datetime(2028, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_month_ends_on_a_day_that_exists(months: int, day: date, end: datetime) -> None:
    assert preferences.end_of(months, day) == end


def test_frequency_and_language(
    save: Save, contact: Contact, message: Message, owner_client: Client
) -> None:
    for _ in range(2):
        words = save(frequency="month", language="ar")
    assert MailFrequency.objects.get(contact=contact).most == "month"
    contact.refresh_from_db()
    assert contact.attributes["language"] == "ar"
    assert contact.attributes["city"] == "beijing"
    assert Attribute.objects.get(key="language").type == "text"
    assert '<html lang="ar" dir="rtl">' in words
    assert PreferenceChoice.objects.count() == 2
    page = owner_client.get(f"/w/brand/contacts/{contact.pk}/").content.decode()
    assert "<dt>Advertising</dt><dd>At most one a month</dd>" in page
    save(frequency="", language="")
    assert not MailFrequency.objects.exists()
    contact.refresh_from_db()
    assert contact.attributes["language"] == "ar"


@pytest.mark.parametrize(
    ("type_", "choices", "offered"),
    [("choice", ["en", "ja", "xx"], ["en", "ja"]), ("number", [], [])],
)
def test_only_languages_that_the_attribute_takes(
    save: Save,
    contact: Contact,
    message: Message,
    type_: str,
    choices: list[str],
    offered: list[str],
) -> None:
    Attribute.objects.create(
        workspace=contact.workspace, key="language", label="L", type=type_, choices=choices
    )
    assert preferences.of(message).languages == offered
    save(language="fr")
    contact.refresh_from_db()
    assert "language" not in contact.attributes


@pytest.mark.parametrize(
    "form",
    [
        {"shown": "x" * 5000, "list": ["-1", "٣", "9" * 40], "frequency": "day", "pause": "99"},
        {"pause": "-1", "language": "<script>", "again": "yes"},
        {"shown": ["1"] * 900, "list": ["\x00"], "pause": "end"},
        {},
    ],
)
def test_hostile_forms_choose_nothing(
    public: Client, url: str, contact: Contact, form: dict[str, object]
) -> None:
    assert public.post(url, {"action": "save", **form}).status_code in {302, 400}
    assert on(contact) == {"News", "Offers", "Other"}
    assert not PreferenceChoice.objects.exists()
    assert not Suppression.objects.exists()


def test_a_broken_body_changes_nothing(public: Client, url: str, contact: Contact) -> None:
    answer = public.post(url, b"--x\r\nbroken", content_type="multipart/form-data")
    assert answer.status_code == 302
    assert on(contact) == {"News", "Offers", "Other"}


@pytest.mark.parametrize("token", ["x", "a" * 24, "0-_-0"])
def test_tokens_of_nobody(public: Client, token: str) -> None:
    assert public.post(f"/e/s/{token}", {"action": "save"}).status_code == 404
    assert public.get(f"/e/s/{token}").status_code == 404


def test_another_persons_token_changes_only_that_person(
    public: Client, save: Save, contact: Contact, message: Message, lists: list[List]
) -> None:
    bo = factories.make_contact(contact.workspace, "bo@example.com")
    theirs = Message.objects.create(
        mailing=message.mailing, contact_id=bo.pk, address=bo.email, state=2
    )
    data = {"action": "save", "shown": [lists[0].pk], "list": [], "pause": "1"}
    public.post(f"/e/s/{tokens.make(theirs.pk)}", data)
    assert on(contact) == {"News", "Offers", "Other"}
    assert Suppression.objects.get().value == "bo@example.com"


def test_a_test_mails_link_changes_nothing(public: Client) -> None:
    url = f"/e/s/{tokens.make(tokens.NOBODY)}"
    assert "This was a test" in public.post(url, {"action": "save"}).content.decode()


def test_who_is_no_contact_has_nothing_to_choose(
    public: Client, url: str, contact: Contact
) -> None:
    contact.delete()
    assert "nothing to choose" in public.get(url).content.decode()
    assert public.post(url, {"action": "save", "pause": "1"}).status_code == 302
    assert not Suppression.objects.exists()


def test_unsubscribed_from_everything_is_lifted_only_by_a_choice(
    save: Save, public: Client, url: str, contact: Contact, club: List, lists: list[List]
) -> None:
    public.post(url.replace("/s/", "/u/"), {"action": "everything"})
    words = public.get(url).content.decode()
    assert "You unsubscribed from everything" in words
    assert 'name="again"' in words
    assert "except for new topics" in save([club])
    assert Suppression.objects.filter(lifted_at=None).exists()
    assert "Saved." in save([club], again="1")
    assert not Suppression.objects.filter(lifted_at=None).exists()
    assert on(contact) == {"Club"}
    assert PreferenceChoice.objects.filter(kind="again").count() == 1


@pytest.mark.parametrize(
    ("reason", "source"),
    [
        ("hard_bounced", Source("campaign", 7)),
        ("complained", Source("campaign", 7)),
        ("manual", BY_HAND),
        ("imported", Source("import", 3)),
        ("unsubscribed", BY_HAND),
        ("unsubscribed", Source("import", 3)),
    ],
)
def test_other_suppressions_are_never_lifted(
    save: Save,
    public: Client,
    url: str,
    contact: Contact,
    club: List,
    reason: str,
    source: Source,
) -> None:
    suppress(contact, reason, source)
    words = public.get(url).content.decode()
    assert 'name="again"' not in words
    assert "news@brand.example" in words
    save([club], again="1", pause="end")
    assert Suppression.objects.filter(lifted_at=None, reason=reason).exists()


def test_a_complaint_after_the_unsubscription_keeps_it(
    save: Save, public: Client, url: str, contact: Contact
) -> None:
    public.post(url.replace("/s/", "/u/"), {"action": "everything"})
    suppressions.suppress_addresses(
        contact.workspace,
        [(contact.email, "")],
        reason="complained",
        source=Source("campaign", 7),
    )
    save(again="1")
    assert Suppression.objects.filter(lifted_at=None).exists()


def test_a_pause_neither_hides_nor_lifts_soft_bounces(save: Save, contact: Contact) -> None:
    soon, later = (timezone.now() + timedelta(days=days) for days in (5, 400))
    for until in (soon, later):
        save(pause="1")
        suppressions.suppress_addresses(
            contact.workspace,
            [(contact.email, "")],
            reason="soft_bounced",
            source=BY_HAND,
            until=until,
        )
        save(pause="2")
        save(pause="end")
    row = Suppression.objects.get(lifted_at=None)
    assert (row.reason, row.until) == ("soft_bounced", later)


def test_too_many_choices_in_a_day(
    public: Client, url: str, contact: Contact, message: Message
) -> None:
    for _ in range(choices.MOST_A_DAY):
        choices.record(contact, "again", message_id=message.pk, source=BY_PERSON)
    answer = public.post(url, {"action": "save", "pause": "1", "frequency": "week"})
    assert answer.status_code == 429
    assert "Come back tomorrow" in answer.content.decode()
    assert not Suppression.objects.exists()
    assert not MailFrequency.objects.exists()


def test_a_reason_is_asked_after_leaving_and_kept(
    public: Client, url: str, contact: Contact, message: Message
) -> None:
    leave = url.replace("/s/", "/u/")
    why = {"action": "because", "because": "too_often", "words": " Each day! " + "x" * 600}
    assert "Would you tell us why?" not in public.get(leave).content.decode()
    public.post(leave, why)
    assert not PreferenceChoice.objects.exists()
    assert on(contact) == {"News", "Offers", "Other"}
    public.post(leave, {"action": "lists"})
    assert "Would you tell us why?" in public.get(leave).content.decode()
    for because in ("other", "too_often"):
        page = public.post(leave, {**why, "because": because}, follow=True)
        assert "Your reason was sent." in page.content.decode()
    public.post(leave, {**why, "because": "nonsense"})
    one = PreferenceChoice.objects.get(kind="because")
    assert (one.value, one.source) == ("too_often", message.mailing.source)
    assert one.words.startswith("Each day! xxx")
    assert len(one.words) == 500


def test_the_timeline_says_each_choice(
    save: Save, contact: Contact, club: List, lists: list[List], owner_client: Client
) -> None:
    save([lists[0], lists[1], club], frequency="week", pause="1", language="de")
    save([lists[0], lists[1], club], frequency="", pause="end")
    page = owner_client.get(f"/w/brand/contacts/{contact.pk}/").content.decode()
    for words in (
        "Chose to get mail about Club",
        "A tick means that you want mail",
        "Chose no more mail about Other",
        "Paused advertising until",
        "Ended the pause",
        "Chose how often: At most one a week",
        "Chose how often: every mail",
        "Chose the language de",
    ):
        assert words in page
