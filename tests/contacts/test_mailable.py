"""May this address be mailed? Whoever asks gets the same answer, whatever is suppressed."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from itertools import product

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Workspace
from contacts import erasure
from contacts.audience import Audience
from contacts.models import Contact, List, Subscription, Suppression
from contacts.provenance import Source
from contacts.queries import audience, consent, importing, mailable, people, segments
from contacts.segments.rules import ALL, Condition, Group
from designs.models import Content
from relays.models import Relay
from sending.models import LeftOut, Mailing, Message
from sending.queries import freeze
from sending.queries.claim import claim, left_since
from sending.views.designtest import DesignTestForm
from tests import factories

pytestmark = pytest.mark.django_db

EMAIL = "lee@mail.brand.example"
FUTURE, PAST = timedelta(days=9), -timedelta(days=1)
# What may stand in the table about the address: (kind, value, what else is special about it).
ROWS: dict[str, tuple[str, str, str]] = {
    "address": ("address", EMAIL, ""),
    "domain": ("domain", "mail.brand.example", ""),
    "pattern": ("pattern", "lee*@*.brand.example", ""),
    "erased": ("erased", EMAIL, ""),
    "address until": ("address", EMAIL, "until"),
    "domain until": ("domain", "mail.brand.example", "until"),
    "installation's address": ("address", EMAIL, "everywhere"),
    "installation's domain": ("domain", "mail.brand.example", "everywhere"),
    "installation's pattern": ("pattern", "*@mail.*", "everywhere"),
    # None of these stops it.
    "address lifted": ("address", EMAIL, "lifted"),
    "address ended": ("address", EMAIL, "ended"),
    "domain lifted": ("domain", "mail.brand.example", "lifted"),
    "domain ended": ("domain", "mail.brand.example", "ended"),
    "pattern lifted": ("pattern", "lee*@*.brand.example", "lifted"),
    "pattern ended": ("pattern", "lee@*.brand.example", "ended"),
    "erased lifted": ("erased", EMAIL, "lifted"),
    "parent domain": ("domain", "brand.example", ""),
    "another address": ("address", "lee@brand.example", ""),
    # An underscore is no wildcard.
    "another pattern": ("pattern", "l_e*@*.brand.example", ""),
    "another person erased": ("erased", "ann@mail.brand.example", ""),
    "another workspace's address": ("address", EMAIL, "elsewhere"),
    "another workspace's domain": ("domain", "mail.brand.example", "elsewhere"),
    "another workspace's pattern": ("pattern", "lee*@*.brand.example", "elsewhere"),
    "another workspace's erased": ("erased", EMAIL, "elsewhere"),
    "installation's address lifted": ("address", EMAIL, "everywhere lifted"),
    "installation's domain ended": ("domain", "mail.brand.example", "everywhere ended"),
}
STOPPING = list(ROWS)[: list(ROWS).index("address lifted")]
STATES = [(), *((name,) for name in ROWS), *product(STOPPING, ("another pattern", "erased"))]


@pytest.fixture
def lee(workspace: Workspace) -> Contact:
    person = Contact.objects.create(workspace=workspace, email=EMAIL)
    news = List.objects.create(workspace=workspace, name="News")
    Subscription.objects.create(list=news, contact=person)
    return person


@pytest.fixture
def message(workspace: Workspace, lee: Contact) -> Message:
    mailing = factories.make_mailing(
        workspace,
        source=Source("campaign", 7),
        content=Content.objects.create(workspace=workspace, subject="Hi", text="Hi"),
        from_email="news@brand.example",
        relay=Relay.objects.create(workspace=workspace, name="R", host="127.0.0.1"),
        audience=Audience.of_lists(workspace.pk, [lee.subscriptions.get().list_id]).as_json(),
        retry_for=timedelta(days=1),
    )
    return Message.objects.create(mailing=mailing, contact_id=lee.pk, address=EMAIL)


def stored(name: str, workspace: Workspace, elsewhere: Workspace) -> Suppression:
    kind, value, special = ROWS[name]
    owner: Workspace | None = elsewhere if "elsewhere" in special else workspace
    now = timezone.now()
    ends = {"until": now + FUTURE, "ended": now + PAST}
    return Suppression.objects.create(
        workspace=None if "everywhere" in special else owner,
        kind=kind,
        value=erasure.digest(value) if kind == "erased" else value,
        like_text=value.replace("_", r"\_").replace("*", "%") if kind == "pattern" else "",
        reason="manual",
        lifted_at=now if "lifted" in special else None,
        until=next((end for word, end in ends.items() if word in special), None),
    )


def readers(lee: Contact, message: Message) -> Iterator[tuple[str, bool]]:
    """(who answers, whether it says that the address gets no mail)"""
    workspace = lee.workspace
    asked = Audience.of_lists(workspace.pk, [lee.subscriptions.get().list_id])
    yield "count", audience.count(asked)["recipients"] == 0
    yield "anybody", not audience.anybody(asked)
    yield "recheck", bool(left_since(message.mailing, [message.pk]))
    [exported] = consent.people(Contact.objects.filter(pk=lee.pk), workspace.pk)
    yield "export", bool(exported.stops)
    shown = people.filtered(workspace, QueryDict("status=suppressed"))
    yield "filter", shown.filter(pk=lee.pk).exists()
    yield "page", mailable.stopped_among(workspace, [EMAIL]) == {EMAIL}
    yield "search", bool(people.suppressions_of(workspace, EMAIL))
    form = DesignTestForm({"addresses": EMAIL}, workspace=workspace)
    yield "test mail", "suppressed" in str(form.errors.get("addresses", ""))
    yield "segment", bool(matched(workspace, "yes"))
    yield "segment, not suppressed", not matched(workspace, "no")
    yield "import", "suppressed" in judged(workspace)


def matched(workspace: Workspace, operator: str) -> int:
    rule, known = segments.context(workspace, Group(ALL, (Condition("suppressed", "", operator),)))
    assert len(segments.ask(rule, known, Contact.objects.get(email=EMAIL))) == 2
    return segments.count(rule, known)


def judged(workspace: Workspace) -> dict[str, int]:
    importing.stage(StringIO(f"1\t{EMAIL}\t\\N\t\\N\t\\N\t{{}}\t\\N\t\\N\n"))
    target = importing.Target(
        workspace=workspace.pk,
        import_id=0,
        list=None,
        consent="unknown",
        known="fill",
        listed=False,
        own=False,
        summed_up=False,
        everywhere=False,
        filename="a.csv",
    )
    counts = importing.judge(target, apply=False)
    return {name: counts[name] for name in ("new", "unchanged", "suppressed") if name in counts}


@pytest.mark.parametrize("names", STATES, ids=" and ".join)
def test_all_say_the_same(
    names: tuple[str, ...], lee: Contact, message: Message, other_workspace: Workspace
) -> None:
    for name in dict.fromkeys(names):
        stored(name, lee.workspace, other_workspace)
    said = dict(readers(lee, message))
    assert said == dict.fromkeys(said, bool({*STOPPING} & {*names}))


CODES = {
    "address": "suppressed_manual",
    "domain": "suppressed_domain",
    "pattern": "suppressed_pattern",
    "erased": "suppressed_erased",
    "address until": "suppressed_manual",
    "domain until": "suppressed_domain",
    "installation's address": "suppressed_everywhere",
    "installation's domain": "suppressed_everywhere",
    "installation's pattern": "suppressed_pattern",
}


@pytest.mark.parametrize("name", STOPPING)
def test_freeze_and_claim_skip_it_for_the_same_reason(
    name: str,
    lee: Contact,
    message: Message,
    other_workspace: Workspace,
    owner_client: Client,
) -> None:
    one = stored(name, lee.workspace, other_workspace)
    mailing = message.mailing
    Message.objects.all().delete()
    asked = Audience.of_lists(lee.workspace_id, [lee.subscriptions.get().list_id])
    piece = freeze.FreezePiece(lee.pk, lee.pk)
    assert freeze.freeze(mailing, asked, piece) == (0, {CODES[name]: 1})
    left = LeftOut.objects.get()
    assert (left.reason, left.cause_id, left.since) == (CODES[name], one.pk, one.created_at)
    assert mailable.code_of(one) == CODES[name]
    # Frozen before, suppressed since.
    Suppression.objects.all().delete()
    LeftOut.objects.all().delete()
    assert freeze.freeze(mailing, asked, piece) == (1, {})
    Mailing.objects.update(state=Mailing.State.SENDING)
    stored(name, lee.workspace, other_workspace)
    relay = Relay.objects.get()
    assert claim(mailing, relay, holder="w", limit=9) is None
    skipped = Message.objects.get()
    assert (skipped.state, skipped.reason) == (Message.State.SKIPPED, CODES[name])
    page = owner_client.get(reverse("contact", args=["brand", lee.pk])).content.decode()
    assert "suppressed-note" in page


def test_one_that_ended_lets_the_mail_go(
    lee: Contact, message: Message, other_workspace: Workspace
) -> None:
    """By the clock of the database; no job changes the row."""
    stored("address ended", lee.workspace, other_workspace)
    Mailing.objects.update(state=Mailing.State.SENDING)
    Message.objects.update(retry_at=timezone.now() + PAST)
    batch = claim(message.mailing, Relay.objects.get(), holder="w", limit=9)
    assert batch is not None
    assert [one.address for one in batch.messages] == [EMAIL]


@pytest.mark.parametrize("key", ["old", "lost"])
def test_a_digest_with_a_former_key_counts_as_long_as_the_key_is_known(
    key: str, lee: Contact, message: Message, settings: object, other_workspace: Workspace
) -> None:
    former = settings.SECRET_KEY  # type: ignore[attr-defined]
    stored("erased", lee.workspace, other_workspace)
    settings.SECRET_KEY = "another-key" * 5  # type: ignore[attr-defined]
    settings.SECRET_KEY_FALLBACKS = [former] if key == "old" else []  # type: ignore[attr-defined]
    said = dict(readers(lee, message))
    assert said == dict.fromkeys(said, key == "old")


@pytest.mark.parametrize("name", ["address", "address until"])
@pytest.mark.parametrize("reason", Suppression.Reason.values)
def test_a_purpose_may_ignore_a_reason_but_no_domain(
    reason: str, name: str, lee: Contact, message: Message, other_workspace: Workspace
) -> None:
    asked = Audience.of_lists(lee.workspace_id, [lee.subscriptions.get().list_id])
    asked = asked.ignoring(["unsubscribed"])
    Mailing.objects.update(audience=asked.as_json())
    message.mailing.refresh_from_db()

    def mailed() -> tuple[bool, bool]:
        return audience.anybody(asked), not left_since(message.mailing, [message.pk])

    stored(name, lee.workspace, other_workspace)
    Suppression.objects.update(reason=reason)
    assert mailed() == ((True, True) if reason == "unsubscribed" else (False, False))
    Suppression.objects.create(
        workspace=lee.workspace, kind="domain", value="mail.brand.example", reason="unsubscribed"
    )
    assert mailed() == (False, False)
