"""Every linked figure says as many as the page behind it counts, in a workspace with a past."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db.models import Sum
from django.http import QueryDict
from django.test import Client
from django.utils import timezone

from accounts.models import User, Workspace
from bounces.models import BounceMail, BounceMailbox
from campaigns.models import Campaign
from campaigns.queries import recipients
from contacts.models import Contact, Import, List, Subscription
from contacts.provenance import BY_HAND
from contacts.services import contacts, suppressions
from demo import seed
from relays.models import Relay, RelayMinute
from sending.machines import Actor
from sending.models import Batch, Mailing, Message, Tally
from sending.queries import events
from tests import figures
from tests.sending.engine.conftest import assert_closes

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[..., Campaign]
Send = Callable[[], None]
PARTS = ("failures", "bounces", "domains", "links")


def campaign_pages(slug: str, campaign: Campaign) -> list[str]:
    page = f"/w/{slug}/campaigns/{campaign.pk}/"
    return [page, f"{page}live/", f"{page}unknown/", *(f"{page}report/{part}/" for part in PARTS)]


def checked(client: Client, pages: list[str]) -> dict[str, list[figures.Figure]]:
    """The figures of these pages, all of them linked, none of which differs from what is behind
    it."""
    found = {page: figures.on_page(client, page) for page in pages}
    wrong = figures.differences(client, [one for page in found.values() for one in page])
    wrong += [one for page in pages for one in figures.unlinked(client, page)]
    assert not wrong, "\n".join(wrong)
    return found


def happen(
    address: str, *kinds: str, link: int | None = None, detail: str = "", actor: int = 0
) -> None:
    message = Message.objects.get(address=address)
    now = timezone.now()
    events.record(
        events.EventRow(message.pk, kind, now, link=link, detail=detail, actor=actor)
        for kind in kinds
    )


@pytest.fixture
def lived(start: Start, send: Send, workspace: Workspace) -> Campaign:
    """Sent, with every outcome, returns of every kind more than once, and people left out."""
    addresses = [f"p{n:02}@{'xyz'[n % 3]}.example" for n in range(70)]
    trouble = ["reject@x.example", "spam@y.example", "drop@x.example", "defer@x.example"]
    left = [f"left{n}@y.example" for n in range(3)]
    campaign = start(*addresses, *trouble)
    [newsletter] = campaign.lists_in.all()
    Contact.objects.get(email="p69@x.example").delete()
    suppressions.suppress(
        workspace, value="p68@z.example", kind="address", reason="manual", source=BY_HAND
    )
    send()
    happen(
        "p00@x.example",
        "soft_bounced",
        "soft_bounced",
        "blocked",
        detail="452 4.2.2 mailbox full 17",
    )
    happen("p00@x.example", "soft_bounced", detail="452 4.2.2 mailbox full 18")
    happen("p01@y.example", "soft_bounced", "hard_bounced")
    happen("p02@z.example", "blocked", "delayed", "auto_replied", "complained")
    happen("p03@x.example", "opened", "opened", "unsubscribed")
    happen("p04@y.example", "opened", "clicked", link=0)
    happen("p04@y.example", "clicked", "clicked", link=0)
    # Machines, alone and besides the person.
    happen("p03@x.example", "opened", actor=Actor.PRIVACY_PROXY)
    happen("p07@y.example", "opened", "opened", actor=Actor.PRIVACY_PROXY)
    happen("p07@y.example", "clicked", "clicked", link=0, actor=Actor.BURST)
    happen("p08@z.example", "clicked", link=1, actor=Actor.SCANNER)
    Message.objects.filter(address="p05@z.example").update(state=3, reason="render")
    Message.objects.filter(address="p06@x.example").update(
        state=3, reason="render", reply="500 something 7"
    )
    tally = Tally.objects.get()
    Tally.objects.update(accepted=tally.accepted - 2, with_pixel=tally.with_pixel - 2, failed=4)
    assert_closes(Mailing.objects.get())
    _later(start, newsletter, left)
    return campaign


def _later(start: Start, newsletter: List, left: list[str]) -> None:
    """A campaign to the same people that leaves some out for each reason; it has not begun."""
    people = [Contact.objects.create(workspace=newsletter.workspace, email=one) for one in left]
    for person in people:
        Subscription.objects.create(list=newsletter, contact=person, status="unsubscribed")
    out = List.objects.create(workspace=newsletter.workspace, name="Staff")
    Subscription.objects.create(list=out, contact=Contact.objects.get(email="p10@y.example"))
    suppressions.suppress(
        newsletter.workspace, value="z.example", kind="domain", reason="manual", source=BY_HAND
    )
    start(lists_in=[newsletter], lists_out=[out], name="Second")
    Batch.objects.all().delete()


@pytest.mark.slow
def test_report_home_lists_and_relay(
    lived: Campaign, owner_client: Client, workspace: Workspace, make_campaign: Start
) -> None:
    second = Campaign.objects.get(name="Second")
    draft = make_campaign("Draft", lists_in=[*lived.lists_in.all()])
    relay = Relay.objects.get()
    lists = [f"/w/brand/lists/{one.pk}/" for one in List.objects.all()]
    pages = [
        "/w/brand/",
        "/w/brand/campaigns/",
        "/w/brand/campaigns/?days=30",
        "/w/brand/lists/",
        *lists,
        f"/w/brand/relays/{relay.pk}/",
        f"/w/brand/campaigns/{draft.pk}/?open=to",
        f"/w/brand/campaigns/{draft.pk}/readiness/",
        f"/w/brand/campaigns/{draft.pk}/review/",
        *campaign_pages("brand", lived),
        *campaign_pages("brand", second),
    ]
    found = checked(owner_client, pages)
    silent = [page for page in pages if not found[page] and "/unknown/" not in page]
    assert silent == [f"/w/brand/campaigns/{second.pk}/report/failures/"]
    numbers = {one.url.partition("?")[2]: one.number for one in found[pages[-7 * 2]]}
    assert numbers["event=soft_bounced"] == 2
    assert numbers["event=blocked"] == 2
    assert numbers["event=hard_bounced"] == 2
    assert (numbers["event=opened"], numbers["event=machine_opened"]) == (2, 2)
    assert (numbers["event=clicked"], numbers["event=machine_clicked"]) == (1, 2)
    sizes = {one.url: one.number for one in found[f"/w/brand/campaigns/{draft.pk}/?open=to"]}
    reviewed = {one.url: one.number for one in found[f"/w/brand/campaigns/{draft.pk}/review/"]}
    for one in lived.lists_in.all():
        size = one.subscriptions.filter(status="subscribed").count()
        people = f"/w/brand/contacts/?list={one.pk}&status=subscribed"
        assert sizes[people] == reviewed[people] == size > 50
    links = found[f"/w/brand/campaigns/{lived.pk}/report/links/"]
    assert [one.number for one in links if one.url.endswith("link=0")] == [1, 3]
    replies = {one.url: one.number for one in found[f"/w/brand/relays/{relay.pk}/"] if one.sums}
    answers = f"/w/brand/relays/{relay.pk}/answers/?hours=6&meaning="
    assert replies[f"{answers}accepted"] > 50
    assert replies[f"{answers}address"] == replies[f"{answers}policy"] == 1
    left_out = {one.url: one.number for one in found[f"/w/brand/campaigns/{second.pk}/"]}
    assert left_out[f"/w/brand/campaigns/{second.pk}/left-out/?reason=unsubscribed"] == 3


def test_every_click_is_a_row(lived: Campaign, owner_client: Client) -> None:
    page = owner_client.get(f"/w/brand/campaigns/{lived.pk}/clicks/?link=0").content.decode()
    assert page.count("p04@y.example</a>") == 3
    assert "https://brand.example/spring" in page
    assert "by a person or a machine: unknown" in page
    assert "p07@y.example" not in page
    machines = owner_client.get(f"/w/brand/campaigns/{lived.pk}/clicks/?link=0&by=machines")
    assert machines.content.decode().count("p07@y.example</a>") == 2
    assert "three or more links within two seconds" in machines.content.decode()
    none = owner_client.get(f"/w/brand/campaigns/{lived.pk}/clicks/?link=1").content.decode()
    assert "Nobody has clicked yet" in none


def test_the_replies_of_a_relay_and_whose_they_were(lived: Campaign, owner_client: Client) -> None:
    relay = Relay.objects.get()
    page = f"/w/brand/relays/{relay.pk}/answers/"
    refused = owner_client.get(page, {"meaning": "address"}).content.decode()
    assert 'data-total-replies="1"' in refused
    assert "reject@x.example" in refused
    assert "550 5.1.1 User unknown" in refused
    taken = owner_client.get(page, {"meaning": "accepted"})
    minutes = RelayMinute.objects.filter(meaning="accepted").aggregate(n=Sum("count"))["n"]
    assert sum(one.count for one in taken.context["intervals"]) == minutes
    # Two of those that were taken were made failed ones by hand.
    assert taken.context["page"].total == (minutes - 2, True)
    put_off = owner_client.get(page, {"meaning": "transient"}).content.decode()
    assert "defer@x.example" in put_off
    assert "reject@x.example" not in put_off


def test_numbers_of_thousands_of_digits_are_nobodys(lived: Campaign, owner_client: Client) -> None:
    long = "9" * 5000
    people = f"campaigns/{lived.pk}/recipients/"
    for page in (
        f"contacts/?list={long}",
        f"contacts/?import={long}",
        f"{people}?event=clicked&link={long}",
        f"{people}?run={long}",
        f"{people}?held=x",
        f"campaigns/{lived.pk}/clicks/?link={long}",
        f"bounces/?mailbox={long}",
        f"suppressions/?id={long}",
    ):
        assert owner_client.get(f"/w/brand/{page}").status_code == 200, page[:60]


def test_a_wrong_figure_is_noticed(lived: Campaign, owner_client: Client) -> None:
    Tally.objects.filter(mailing=lived.mailing).update(soft_bounced=6)
    found = figures.on_page(owner_client, f"/w/brand/campaigns/{lived.pk}/")
    [wrong] = figures.differences(owner_client, found)
    assert "says 6" in wrong


@pytest.mark.slow
def test_the_demo(client: Client) -> None:
    call_command("seed_demo", "--password", "only for the demo", verbosity=0)
    client.force_login(
        User.objects.get(email=seed.EMAIL),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    home = f"/w/{seed.SLUG}/"
    report = f"{home}campaigns/{Campaign.objects.get(name='Spring sale').pk}/"
    some = Contact.objects.filter(imported__outcome="new").values_list("pk", flat=True)[:3]
    contacts.delete(Contact.objects.filter(pk__in=list(some)))
    pages = [home, f"{home}campaigns/?days=30", f"{home}lists/", f"{home}imports/"]
    pages += [report, f"{report}report/bounces/"]
    pages += [f"{home}bounces/", f"{home}home/running/"]
    box = BounceMailbox.objects.get()
    for number, state in enumerate(("unproven", "unproven", "dismissed", "not_ours", "failed"), 1):
        BounceMail.objects.create(mailbox=box, uid_validity=1, uid=9_000_000 + number, state=state)
    pages += [f"{home}mailboxes/{box.pk}/"]
    imported = Import.objects.filter(counts__new__gt=0, state=Import.State.FINISHED)
    pages += [f"{home}imports/{file.pk}/" for file in imported]
    found = checked(client, pages)
    assert all(found.values())
    shown = {
        one.url.partition("state=")[2]: one.number for one in found[f"{home}mailboxes/{box.pk}/"]
    }
    assert shown["left"] == 5
    assert shown["unproven"] == 2
    assert any("/lines/" in one.url for one in found[f"{home}imports/"])


@pytest.mark.slow
def test_the_counts_of_the_demo_are_those_of_its_rows() -> None:
    call_command("seed_demo", "--password", "only for the demo", verbosity=0)
    for mailing in Mailing.objects.filter(state="finished").select_related("tally"):
        for event in recipients.TALLIED:
            asked = QueryDict(f"event={event}")
            counted = recipients.filtered(mailing, asked).count()
            assert recipients.known_total(mailing, asked) == counted, event
    assert Tally.objects.filter(bounced__gt=0, soft_bounced__gt=0).exists()
