"""Whose rules hold for a mail, and the subject that follows from it: from the contact to the bytes
that left."""

import email
import email.policy
from collections import Counter
from collections.abc import Callable, Sequence

import pytest
from django.db import transaction

from accounts import markets as rules
from accounts.models import Workspace
from contacts import countries
from contacts.audience import Audience
from contacts.countries import ATTRIBUTE
from contacts.models import Attribute, Contact, List
from contacts.provenance import Source
from contacts.queries import audience
from designs.models import Design
from designs.services import freeze as content_of
from relays.models import Relay
from sending import markets
from sending.models import Mailing, MailingLane, Message
from sending.purposes import ADVERTISING, NOTICE
from sending.queries import markets as query
from sending.queries.freeze import FreezePiece, freeze
from sending.services import streams
from sending.services.mailings import open_mailing
from sending.variants import Choice
from tests import factories
from tests.mailservers.sink import Sink
from tests.sending.engine.conftest import assert_closes, design, relay
from tests.sending.engine.test_shift import finish

__all__ = ["design", "relay"]
CN, EU, FR, US, CA = (one.bit for one in rules.markets().values())
pytestmark = pytest.mark.django_db(transaction=True)
Send = Callable[..., Mailing]
CHINESE = (
    *("ＣＮ", "P.R.China", "P. R. China", "China, Shanghai", "中国上海", "China (CN)", "156", "🇨🇳"),
    *(
        "🇨🇳 China",
        "China 🇨🇳",
        "Shanghai, China",
        "中国-北京",
        "\u200bChina",
        "CHINA\u00a0",
        "china.",
    ),
)
FRENCH = (
    "République française",
    "REPUBLIQUE FRANCAISE",
    "FRANCE METROPOLITAINE",
    "FX",
    "La Réunion",
)
# (value of the attribute, address, default market, markets)
CASES: tuple[tuple[object, str, str, int], ...] = (
    ("China", "a@brand.com", "", CN),
    (" 中国 ", "a@brand.com", "", CN),
    ("cn", "a@brand.com", "", CN),
    ("中華人民共和國", "a@brand.com", "us", CN),
    ("Germany", "a@brand.com", "cn", EU),
    ("France", "a@brand.com", "", EU | FR),
    ("法国", "a@brand.com", "", EU | FR),
    ("USA", "a@brand.com", "cn", US),
    ("加拿大", "a@brand.com", "", CA),
    # Known, and without rules of ours: the default market does not hold.
    ("Japan", "a@brand.com", "cn", 0),
    ("香港", "a@brand.com", "cn", 0),
    ("中国香港", "a@brand.com", "cn", 0),
    # By the address.
    (None, "a@qq.com", "", CN),
    (None, "a@163.com", "us", CN),
    (None, "a@vip.126.com", "us", CN),
    (None, "a@shop.com.cn", "", CN),
    (None, "a@xn--fiq228c.xn--fiqs8s", "", CN),
    (None, "a@laposte.fr", "", EU | FR),
    (None, "a@web.de", "", EU),
    # The country and the mailbox: the rules of both.
    ("Germany", "a@qq.com", "", EU | CN),
    ("Japan", "a@163.com", "", CN),
    # Nobody knows.
    (None, "a@gmail.com", "", 0),
    (None, "a@gmail.com", "cn", CN),
    (None, "a@gmail.com", "fr", EU | FR),
    (None, "a@gmail.com", "gone", 0),
    ("", "a@gmail.com", "ca", CA),
    ("Atlantis", "a@gmail.com", "us", US),
    ("China" * 3_000, "a@gmail.com", "us", US),
    ("\u202eChina", "a@gmail.com", "us", CN),
    ("Québec", "a@gmail.com", "us", US),
    ("California", "a@gmail.com", "", 0),
    ("N/A", "a@gmail.com", "cn", CN),
    (" - ", "a@gmail.com", "cn", CN),
    *((value, "a@gmail.com", "us", CN) for value in CHINESE),
    *((value, "a@gmail.com", "us", EU | FR) for value in FRENCH),
    *((value, "a@gmail.com", "us", EU) for value in ("Ελλάδα", "ΕΛΛΆΔΑ", "ελλαδα", "Czech")),
    ("Åland", "a@gmail.com", "us", 0),
    ("China / France", "a@gmail.com", "us", CN | EU | FR),
    # A state of the US, or a country?
    ("Atlanta, Georgia", "a@gmail.com", "us", US),
    ("Sunnyvale, CA", "a@gmail.com", "us", US),
    ("Ruritania", "a@qq.com", "us", CN),
    ("'; DROP TABLE x; -- %s %(a)s {b}", "a@qq.com", "us", CN),
    ("ÖSTERREICH", "a@gmail.com", "us", EU),
    ("österreich", "a@gmail.com", "us", EU),
    (42, "a@gmail.com", "us", US),
    (156, "a@gmail.com", "us", CN),
    (1.5, "a@gmail.com", "us", US),
    ({"a": "b"}, "a@gmail.com", "us", US),
    (["China"], "a@gmail.com", "us", CN),
    (True, "a@qq.com", "us", CN),
    # Ends that only look like a market.
    (None, "cn@cn.example", "", 0),
    (None, "a@notqq.com", "", 0),
)


@pytest.mark.parametrize(("country", "address", "default", "bits"), CASES)
def test_markets_of_a_contact(country: object, address: str, default: str, bits: int) -> None:
    assert markets.of(country, address, default=default) == bits


FILTERS = (query.NO_COUNTRY, query.NO_RULES, query.NONE, query.STRANGE)


def chosen_of(place: int, bits: int) -> set[str]:
    """The values of the filter by market that find somebody at this place."""
    found = {one.key for one in rules.markets().values() if bits & one.bit}
    if place & markets.STRANGE:
        found.add(query.STRANGE)
    if not bits:
        found.add(query.NONE)
    if place == markets.KNOWN:
        found.add(query.NO_RULES)
    if not place and not bits:
        found.add(query.NO_COUNTRY)
    return found


def asked_for(workspace: Workspace, people: Audience, chosen: str) -> set[int]:
    columns, condition, given = query.condition(workspace, chosen)
    question = audience.Question(
        people, reason="", columns=columns, condition=condition, given=given
    )
    found = {one.contact_id for one in audience.people(question, limit=1000)}
    assert audience.count_people(question) == len(found)
    return found


@pytest.mark.parametrize("known", [True, False])
def test_the_database_finds_the_same(workspace: Workspace, known: bool) -> None:
    """All cases at once. Without the attribute, nobody reads its values."""
    if known:
        Attribute.objects.create(workspace=workspace, key=ATTRIBUTE, label="Country")
    for default in {case[2] for case in CASES}:
        workspace.default_market = default
        workspace.save()
        made = factories.make_list(workspace, name=default or "none")
        wanted: dict[int, int] = {}
        strange: Counter[str] = Counter()
        people: dict[str, set[int]] = {key: set() for key in (*rules.markets(), *FILTERS)}
        for number, (country, address, _default, _bits) in enumerate(CASES):
            one = factories.make_contact(
                workspace,
                f"{default}{number}{address}",
                attributes={} if country is None else {ATTRIBUTE: country},
            )
            status = "unsubscribed" if number % 5 == 0 else "subscribed"
            made.subscriptions.create(contact=one, status=status)
            bits = markets.of(country if known else None, one.email, default=default)
            if status == "subscribed":
                wanted[bits] = wanted.get(bits, 0) + 1
                value = country if known else None
                if markets.place(value, one.email) & markets.STRANGE:
                    strange[countries.text(value).strip(" ")[: markets.SHOWN]] += 1
                for chosen in chosen_of(markets.place(value, one.email), bits):
                    people[chosen].add(one.pk)
        asked = Audience.of_lists(workspace.pk, [made.pk])
        found = query.count(workspace, asked)
        told = found.pop("markets")
        assert told.bits == wanted
        assert sum(told.most.values()) <= told.strange == sum(strange.values())
        assert told.strange_kinds == len(strange)
        assert all(strange[value] == number for value, number in told.most.items())
        assert len(told.most) == min(len(strange), query.MOST)
        assert found == audience.count(asked)
        # The filters of the list, one by one.
        for chosen, ids in people.items():
            assert asked_for(workspace, asked, chosen) == ids, (default, chosen)
        assert asked_for(workspace, asked, "no market") == set()
        made.subscriptions.all().delete()
        Contact.objects.all().delete()


# Mails -------------------------------------------------------------------------------------------

PEOPLE = {
    "wei@shop.example": "中国",
    "li@qq.com": None,
    "anna@shop.example": "Germany",
    "joe@shop.example": "US",
    "who@shop.example": None,
}


@pytest.fixture
def people(workspace: Workspace, make_list: Callable[..., List]) -> List:
    Attribute.objects.create(workspace=workspace, key=ATTRIBUTE, label="Country")
    made = make_list(list(PEOPLE))
    for address, country in PEOPLE.items():
        found = {ATTRIBUTE: country} if country else {}
        Contact.objects.filter(email=address).update(attributes=found)
    return made


@pytest.fixture
def send(workspace: Workspace, relay: Relay, design: Design, people: List) -> Send:
    def make(
        subject: str,
        *,
        choices: Sequence[Choice] = (),
        purpose: str = ADVERTISING,
        **options: object,
    ) -> Mailing:
        mailing = open_mailing(
            workspace=workspace,
            source=Source("campaign", 7),
            content=choices or content_of(design, subject=subject),
            from_name="Brand",
            from_email="news@brand.example",
            relay=relay,
            audience=Audience.of_lists(workspace.pk, [people.pk]),
            purpose=purpose,
            **options,  # type: ignore[arg-type]
        )
        finish(mailing, relay)
        assert_closes(mailing)
        return mailing

    return make


def subjects(sink: Sink) -> dict[str, str]:
    """{recipient: the decoded subject}"""
    return {
        recipient: str(email.message_from_bytes(raw, policy=email.policy.default)["Subject"])
        for _sender, recipient, raw in sink.mails
    }


def test_one_campaign_to_three_markets(send: Send, sink: Sink) -> None:
    mailing = send("Spring sale for {{ first_name }}")
    assert subjects(sink) == {
        "wei@shop.example": "AD: Spring sale for wei",
        "li@qq.com": "AD: Spring sale for li",
        "anna@shop.example": "Spring sale for anna",
        "joe@shop.example": "Spring sale for joe",
        "who@shop.example": "Spring sale for who",
    }
    raw = {recipient: content for _sender, recipient, content in sink.mails}
    assert b"\r\nSubject: AD: Spring sale for wei\r\n" in raw["wei@shop.example"]
    assert b"\r\nSubject: Spring sale for joe\r\n" in raw["joe@shop.example"]
    stored = dict(Message.objects.filter(mailing=mailing).values_list("address", "markets"))
    assert stored == {
        "wei@shop.example": CN,
        "li@qq.com": CN,
        "anna@shop.example": EU,
        "joe@shop.example": US,
        "who@shop.example": 0,
    }


@pytest.mark.parametrize(
    ("subject", "marked"),
    [
        ("春季大促", "广告：春季大促"),
        ("【广告】春季大促", "【广告】春季大促"),
        ("{{ first_name }} 您好", "广告：wei 您好"),
        # Only a value decides the script: each person's own subject counts.
        ("{{ country|default('news') }}", "广告：中国"),
        # Rendered, not compiled.
        ("{% if country %}Sale{% else %}News{% endif %}", "AD: Sale"),
    ],
)
def test_the_mark_has_the_script_of_the_subject(
    send: Send, sink: Sink, subject: str, marked: str
) -> None:
    send(subject)
    assert subjects(sink)["wei@shop.example"] == marked


def test_notices_have_no_mark(send: Send, sink: Sink) -> None:
    mailing = send("Your order", purpose=NOTICE)
    assert set(subjects(sink).values()) == {"Your order"}
    assert set(Message.objects.filter(mailing=mailing).values_list("markets", flat=True)) == {0}


def test_the_default_market_is_for_people_without_a_country(
    send: Send, sink: Sink, workspace: Workspace
) -> None:
    workspace.default_market = "cn"
    workspace.save()
    send("Sale")
    assert {one for one, subject in subjects(sink).items() if subject == "AD: Sale"} == {
        "wei@shop.example",
        "li@qq.com",
        "who@shop.example",
    }


def test_each_language_of_a_mailing_is_marked(
    send: Send, sink: Sink, workspace: Workspace, design: Design
) -> None:
    Contact.objects.filter(email="li@qq.com").update(attributes={"language": "zh-Hans"})
    choices = [
        Choice(content_of(design, subject="Sale")),
        Choice(content_of(design, subject="特惠"), language="zh"),
    ]
    send("", choices=choices, holdout=0.0)
    found = subjects(sink)
    assert found["wei@shop.example"] == "AD: Sale"
    assert found["li@qq.com"] == "广告：特惠"
    assert found["joe@shop.example"] == "Sale"


def test_addresses_that_are_not_ascii_are_marked(
    send: Send, sink: Sink, workspace: Workspace, people: List
) -> None:
    """Their mails are rendered, not compiled."""
    one = factories.make_contact(workspace, "用户@qq.com", attributes={})
    people.subscriptions.create(contact=one)
    mailing = send("Sale")
    assert Message.objects.get(mailing=mailing, address="用户@qq.com").markets == CN


def test_a_holdout_and_moved_addresses_know_the_country(
    send: Send, sink: Sink, people: List
) -> None:
    """Both wrap the statement of the audience."""
    mailing = send("Sale", holdout=0.001)
    assert Message.objects.get(mailing=mailing, address="wei@shop.example").markets == CN
    Message.objects.filter(mailing=mailing).delete()
    MailingLane.objects.filter(mailing=mailing).delete()
    first, last = audience.span(mailing.workspace_id)
    with transaction.atomic():
        made, _left_out = freeze(
            mailing, mailing.people, FreezePiece(first, last, moved=True), holdout=0.001
        )
    assert made == len(PEOPLE)
    assert Message.objects.get(mailing=mailing, address="wei@shop.example").markets == CN


def test_a_stream_knows_the_markets_of_its_people(
    workspace: Workspace, relay: Relay, design: Design, people: List, sink: Sink
) -> None:
    stream = streams.open_stream(
        workspace=workspace,
        source=Source("campaign", 8),
        content=content_of(design, subject="Journey"),
        from_name="Brand",
        from_email="news@brand.example",
        relay=relay,
        purpose=ADVERTISING,
    )
    wei = Contact.objects.get(email="wei@shop.example")
    streams.append(
        stream,
        [
            streams.Item("1", wei.email, wei.pk),
            streams.Item("2", "new@163.com"),
            streams.Item("3", "data@shop.example", data={ATTRIBUTE: "China"}),
            streams.Item("4", "none@shop.example"),
        ],
    )
    finish(stream, relay)
    assert subjects(sink) == {
        "wei@shop.example": "AD: Journey",
        "new@163.com": "AD: Journey",
        "data@shop.example": "AD: Journey",
        "none@shop.example": "Journey",
    }
