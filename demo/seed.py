"""Creates the demo workspace: Paper Kite Books, a bookshop that has written to its readers for half
a year. The data is deterministic. One transaction creates everything but the import.
"""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import User, Workspace
from accounts.opencounting import OpenCounting
from accounts.services import workspaces
from campaigns import sources as campaign_sources
from campaigns.models import Campaign
from campaigns.services import drafts, starting
from contacts.audience import Audience
from contacts.models import Attribute, Contact, Import, List, Subscription, Suppression
from contacts.provenance import BY_HAND
from contacts.services import attributes, importrun, imports, importuploads, lists, suppressions
from contacts.services.suppressions import Wanted
from contacts.suppressionlines import Entry
from demo import history
from demo.history import Course
from designs import starters
from designs.models import Design
from designs.services import Draft, freeze
from designs.services import create as create_design
from relays.models import Relay
from sandbox.samplepeople import PLANS, SamplePerson, people
from sandbox.services import equipment as sandbox_service
from sandbox.services import sandbox
from sending.services import mailings
from signups.formfields import ATTRIBUTE, FormField
from signups.services import forms

SLUG = "paper-kite-books"
NAME = "Paper Kite Books"
EMAIL = "demo@paperkite.example"
PEOPLE = 5_000
ZONE = ZoneInfo("Asia/Shanghai")
ENGLISH, CHINESE, CLUB = "Letters from the shop", "纸鸢书讯", "Readers' club"
# Messages a second of the running campaign's relay: the campaign should run for a while.
SLOW = 2


# {magic address of the sandbox: number of readers}, so that the running campaign shows all results.
TROUBLE = {"bounce": 9, "softbounce": 4, "blocked": 2, "complain": 1, "autoreply": 2, "reject": 5}


@dataclass(frozen=True, slots=True)
class PastCampaign:
    """A past campaign: sent `weeks` ago, with a starter design, to the list `to`."""

    name: str
    weeks: float
    starter: str
    language: str
    to: str
    course: dict[str, float]


SENT = (
    PastCampaign("Welcome to the new shop", 11, "welcome", "en", ENGLISH, {"opened": 0.52}),
    PastCampaign(
        "开春第一封信", 9.5, "newsletter", "zh", CHINESE, {"opened": 0.47, "clicked": 0.12}
    ),
    PastCampaign("February letter", 8, "newsletter", "en", ENGLISH, {"clicked": 0.07}),
    PastCampaign("Members' evening", 6, "event", "en", CLUB, {"opened": 0.58, "clicked": 0.21}),
    PastCampaign(
        "春季书单", 4.5, "promotion", "zh", CHINESE, {"opened": 0.33, "unsubscribed": 0.009}
    ),
    PastCampaign(
        "Spring sale", 3, "promotion", "en", ENGLISH, {"opened": 0.29, "unsubscribed": 0.011}
    ),
    PastCampaign(
        "纸鸢搬家了", 1.5, "announcement", "zh", CHINESE, {"opened": 0.49, "hard_bounced": 0.006}
    ),
    PastCampaign("A letter from the ferry", 0.4, "newsletter", "en", ENGLISH, {"opened": 0.36}),
)


def is_there() -> bool:
    return Workspace.objects.filter(slug=SLUG).exists()


def seed(*, password: str) -> Workspace:
    """Creates the workspace, and its owner with this password."""
    now = timezone.now()
    with transaction.atomic():
        owner = User.objects.create_user(
            EMAIL, password, name="Mei Lin", timezone=str(ZONE), can_create_workspaces=True
        )
        workspace = _workspace(owner)
        # First, because mailings are sent in the order of ids.
        _trouble(workspace)
        _people(workspace, now)
        made = _lists(workspace, now)
        designs = _designs(workspace, owner)
        _suppress(workspace, owner)
        for sent in SENT:
            _send(sent, made[sent.to], designs[sent.starter, sent.language], owner, now)
        _grow(made, now)
        _running(made[CLUB], designs["event", "en"], owner)
        _scheduled(made[CHINESE], designs["event", "zh"], owner, now)
        _draft(made[ENGLISH], designs["welcome", "en"], owner)
        _form(made, owner)
    _import(workspace, made[ENGLISH], owner)
    return workspace


def _workspace(owner: User) -> Workspace:
    workspace = workspaces.create(
        name=NAME,
        owner=owner,
        slug=SLUG,
        timezone=str(ZONE),
        from_name=NAME,
        from_email="letters@paperkite.example",
        postal_address="Paper Kite Books, 12 Quay Lane, Hangzhou",
        open_counting=OpenCounting.EVERYBODY,
    )
    # Also if the sandbox is off: campaigns need a relay.
    sandbox_service.equip(workspace, sandbox.place())
    return workspace


# People ------------------------------------------------------------------------------------------

JOINED = """
UPDATE contacts_contact c
   SET created_at = joined.at, updated_at = joined.at
  FROM unnest(%s::text[], %s::timestamptz[]) AS joined(email, at)
 WHERE c.workspace_id = %s AND c.email = joined.email
"""


def _people(workspace: Workspace, now: datetime) -> None:
    kinds = Attribute.Type
    for label, kind, choices in (
        ("Language", kinds.CHOICE, ("en", "zh")),
        ("City", kinds.TEXT, ()),
        ("Plan", kinds.CHOICE, PLANS),
        ("Books", kinds.NUMBER, ()),
        ("Birthday", kinds.DATE, ()),
    ):
        attributes.add(workspace, label=label, type_=kind, choices=choices)
    everybody = list(people(PEOPLE))
    Contact.objects.bulk_create(
        (_contact(workspace, person) for person in everybody), batch_size=1000
    )
    # The rows have the current time; these contacts joined one by one in the past.
    moments = [now - timedelta(days=person.joined, hours=1) for person in everybody]
    with connection.cursor() as cursor:
        cursor.execute(JOINED, [[person.email for person in everybody], moments, workspace.pk])
        cursor.execute("ANALYZE contacts_contact")


def _contact(workspace: Workspace, person: SamplePerson) -> Contact:
    return Contact(
        workspace=workspace,
        email=person.email,
        first_name=person.first_name,
        last_name=person.last_name,
        full_name=person.full_name,
        attributes={
            "language": person.language,
            "city": person.city,
            "plan": person.plan,
            "books": person.books,
            "birthday": person.birthday.isoformat(),
        },
        **BY_HAND.columns,
    )


def _lists(workspace: Workspace, now: datetime) -> dict[str, List]:
    described = {
        ENGLISH: "A letter a month about books, in English",
        CHINESE: "每月一封，聊聊书和书店",
        CLUB: "Evenings, first editions, early orders",
    }
    made = {
        name: lists.create(workspace, name=name, description=text)
        for name, text in described.items()
    }
    List.objects.filter(workspace=workspace).update(created_at=now - timedelta(days=190))
    return made


def _audience(to: List) -> dict[str, str]:
    return {
        ENGLISH: {"attributes__language": "en"},
        CHINESE: {"attributes__language": "zh"},
        CLUB: {"attributes__plan__in": PLANS[1:]},
    }[to.name]  # type: ignore[return-value]


BACKDATE = """
UPDATE contacts_subscription s SET created_at = c.created_at, changed_at = c.created_at
  FROM contacts_contact c WHERE c.id = s.contact_id AND s.list_id = %s AND s.created_at > %s
"""


def _join(to: List, now: datetime, *, by: datetime) -> None:
    """Subscribes the contacts who had joined by that time."""
    joined = Contact.objects.filter(workspace=to.workspace, created_at__lte=by, **_audience(to))
    lists.subscribe(to, joined, source=BY_HAND, consent=Subscription.Consent.EXPLICIT)
    with connection.cursor() as cursor:
        cursor.execute(BACKDATE, [to.pk, now - timedelta(minutes=5)])


def _trouble(workspace: Workspace) -> None:
    """Contacts with magic addresses. They joined today, so only the running campaign reaches
    them."""
    addresses = [
        f"{word}{n + 1}@letters.example" for word, count in TROUBLE.items() for n in range(count)
    ]
    Contact.objects.bulk_create(
        Contact(
            workspace=workspace,
            email=address,
            first_name=address.partition("@")[0].capitalize(),
            attributes={"plan": PLANS[1]},
            **BY_HAND.columns,
        )
        for address in addresses
    )


def _grow(made: dict[str, List], now: datetime) -> None:
    for to in made.values():
        _join(to, now, by=timezone.now())


def _suppress(workspace: Workspace, owner: User) -> None:
    kinds = Suppression.Kind
    wanted = [
        Wanted(Entry(kinds.DOMAIN, "competitor.example")),
        Wanted(Entry(kinds.ADDRESS, "legal@letters.example")),
        Wanted(Entry(kinds.ADDRESS, "press@inbox.example")),
        Wanted(Entry(kinds.PATTERN, "noreply*@*")),
    ]
    suppressions.add(workspace, wanted, source=BY_HAND, detail="Asked by phone", by=owner)


# Mail --------------------------------------------------------------------------------------------


def _designs(workspace: Workspace, owner: User) -> dict[tuple[str, str], Design]:
    wanted = {(sent.starter, sent.language) for sent in SENT} | {("event", "zh")}
    return {key: _design(workspace, *key, owner) for key in sorted(wanted)}


def _design(workspace: Workspace, key: str, language: str, owner: User) -> Design:
    starter = starters.get(key, language)
    if starter is None:
        raise LookupError(f"There is no starter design {key} in {language}.")
    draft = Draft(
        name=starter.name,
        subject=starter.subject,
        preheader=starter.preheader,
        html=starter.html,
        text=starter.text,
    )
    return create_design(workspace, draft, by=owner)


def _campaign(name: str, to: List, design: Design, owner: User, **changes: Any) -> Campaign:
    campaign = drafts.create(to.workspace, name=name, by=owner)
    chosen = drafts.propose_from_design(campaign, design) | {"lists_in": [to]} | changes
    return drafts.save(campaign, chosen, version=campaign.version)


def _start(campaign: Campaign, to: List) -> None:
    """Starts the campaign, like campaigns.services.starting."""
    if campaign.design is None:
        raise LookupError(f"{campaign.name} has no design.")
    content = freeze(campaign.design, subject=campaign.subject, preheader=campaign.preheader)
    mailing = mailings.open_mailing(
        workspace=campaign.workspace,
        source=campaign_sources.of(campaign),
        content=content,
        from_name=campaign.from_name,
        from_email=campaign.from_email,
        audience=Audience.of_lists(campaign.workspace_id, [to.pk]),
        relay=campaign.relay,
        open_counting=campaign.open_counting,
    )
    Campaign.objects.filter(pk=campaign.pk).update(state=Campaign.State.STARTED, mailing=mailing)
    campaign.refresh_from_db()


def _send(sent: PastCampaign, to: List, design: Design, owner: User, now: datetime) -> None:
    moment = now - timedelta(weeks=sent.weeks)
    _join(to, now, by=moment)
    campaign = _campaign(sent.name, to, design, owner)
    _start(campaign, to)
    if campaign.mailing:
        history.live_through(campaign.mailing, Course(started_at=moment, **sent.course))
    Campaign.objects.filter(pk=campaign.pk).update(
        created_at=moment - timedelta(days=1), updated_at=moment, scheduled_at=moment
    )


def _running(to: List, design: Design, owner: User) -> None:
    first = Relay.objects.filter(workspace=to.workspace, delivers=False).earliest("pk")
    relay = sandbox_service.add_relay(
        to.workspace,
        sandbox.place(),
        name="Sandbox, slow",
        password=bytes(first.password or b""),
        per_second=SLOW,
    )
    _start(_campaign("Early orders for the club", to, design, owner, relay=relay), to)


def _scheduled(to: List, design: Design, owner: User, now: datetime) -> None:
    tomorrow = (now.astimezone(ZONE) + timedelta(days=1)).date()
    at = datetime.combine(tomorrow, time(9), tzinfo=ZONE).astimezone(UTC)
    first = Relay.objects.filter(workspace=to.workspace, delivers=False).earliest("pk")
    campaign = _campaign("读书夜", to, design, owner, relay=first)
    starting.schedule(campaign, at=at, timezone=str(ZONE), by=owner)


def _form(made: dict[str, List], owner: User) -> None:
    workspace = made[ENGLISH].workspace
    relay = Relay.objects.filter(workspace=workspace, delivers=False).earliest("pk")
    fields = [FormField("first_name"), FormField(f"{ATTRIBUTE}city")]
    forms.create(
        workspace,
        lists=[made[ENGLISH], made[CHINESE]],
        by=owner,
        name="Letters, on our site",
        fields=[one.as_json() for one in fields],
        relay=relay,
    )


def _draft(to: List, design: Design, owner: User) -> None:
    _campaign("Ask new readers what they like", to, design, owner)


# An import ---------------------------------------------------------------------------------------

WRONG = (
    ("walter.quill.example", "Walter", "Quill"),
    ("nora@", "Nora", "Vaughan"),
    ("", "Isaac", "Thornton"),
    ("grace@@letters.example", "Grace", "Holloway"),
)


def _import(workspace: Workspace, to: List, owner: User) -> None:
    """A finished import with some rejected lines."""
    import_ = importuploads.receive(
        workspace,
        filename="book-fair-visitors.csv",
        pieces=[_visitors()],
        by=owner,
        limit=1024 * 1024,
        target=to,
    )
    imports.start(import_, enqueue=None)
    while importrun.run(import_.pk):
        pass
    yesterday = timezone.now() - timedelta(hours=20)
    Import.objects.filter(pk=import_.pk).update(
        created_at=yesterday,
        started_at=yesterday + timedelta(minutes=2),
        finished_at=yesterday + timedelta(minutes=2, seconds=1),
    )


def _visitors() -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("Email", "First name", "Last name", "City"))
    visitors = [
        (f"fair-{person.email}", person.first_name, person.last_name, person.city)
        for person in people(120, seed=2)
    ]
    for number, line in enumerate(WRONG):
        visitors.insert(number * 25 + 7, (*line, "Bristol"))
    writer.writerows(visitors)
    return out.getvalue().encode()
