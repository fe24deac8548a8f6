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
from contacts.models import Contact, List
from contacts.provenance import Source
from designs.models import Design
from designs.services import freeze as content_of
from relays.models import Relay
from sending.models import Event, LeftOut, Mailing, Message
from sending.services.mailings import open_mailing
from sending.variants import WHOLE, Choice, VariantError, bounds, shares
from tests.factories import make_content
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
            source=Source("campaign", 7),
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


# Languages ---------------------------------------------------------------------------------------


@pytest.fixture
def open_in(workspace: Workspace, relay: Relay, make_list: Callable[..., List]) -> Open:
    """A mailing to people with these values of `language`, with contents (language, name, weight);
    each content's subject is its language and name."""

    def make(
        spoken: list[str | None], choices: list[tuple[str, str, int]], **options: object
    ) -> Mailing:
        people = make_list([f"p{one:03}@x.example" for one in range(len(spoken))])
        for contact, language in zip(
            Contact.objects.filter(subscriptions__list=people).order_by("email"),
            spoken,
            strict=True,
        ):
            contact.attributes = {} if language is None else {"language": language}
            contact.save()
        return open_mailing(
            workspace=workspace,
            source=Source("campaign", 7),
            content=[
                Choice(
                    make_content(
                        workspace,
                        subject=f"{language or 'any'} {name}".strip(),
                        html=f'<a href="https://{language or "any"}.example/">look</a>',
                        links=[f"https://{language or 'any'}.example/"],
                    ),
                    name,
                    weight,
                    language,
                )
                for language, name, weight in choices
            ],
            from_name="Brand",
            from_email="news@brand.example",
            audience=Audience.of_lists(workspace.pk, [people.pk]),
            relay=relay,
            **options,  # type: ignore[arg-type]
        )

    return make


def got(mailing: Mailing) -> dict[str, str]:
    """{address: subject of the variant that its message names}"""
    rows = Message.objects.filter(mailing=mailing).values_list("address", "variant")
    return {address: mailing.contents[variant].subject for address, variant in rows}


CHINESE_AND_ENGLISH = [("en", "", 1), ("zh-Hans", "", 1), ("", "", 1), ("zh", "", 1)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoken", "subject"),
    [
        ("en", "en"),
        ("en-GB", "en"),
        ("EN_us", "en"),
        (" en ", "en"),
        ("zh-Hans", "zh-Hans"),
        ("zh-Hans-CN", "zh-Hans"),
        ("zh_CN", "zh-Hans"),
        ("zh-Hant-TW", "zh"),
        ("zh-TW", "zh"),
        ("zh", "zh"),
        # Not the beginning of a tag, though of the word.
        ("english", "any"),
        ("e", "any"),
        ("fr", "any"),
        ("", "any"),
        (None, "any"),
        ("%", "any"),
    ],
)
def test_a_person_gets_the_content_of_their_language(
    open_in: Open, spoken: str | None, subject: str
) -> None:
    mailing = open_in([spoken], CHINESE_AND_ENGLISH)
    assert got(mailing) == {"p000@x.example": subject}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("spoken", "subject"),
    [
        ("zh-CN", "zh-CN"),
        ("zh-Hans-SG", "zh-CN"),
        ("zh-SG", "zh-CN"),
        ("zh-Hans", "zh-CN"),
        ("zh-HK", "zh-TW"),
        ("zh-Hant-MO", "zh-TW"),
        ("zh-Hant", "zh-TW"),
        ("zh", "any"),
    ],
)
def test_a_chinese_region_stands_for_its_script(open_in: Open, spoken: str, subject: str) -> None:
    mailing = open_in([spoken], [("zh-CN", "", 1), ("zh-TW", "", 1), ("", "", 1)])
    assert got(mailing) == {"p000@x.example": subject}


@pytest.mark.django_db(transaction=True)
def test_everybody_gets_a_mail_in_one_of_the_languages(
    open_in: Open, workspace: Workspace, make_list: Callable[..., List], sink: Sink
) -> None:
    spoken = ["en", "zh-CN", None, "de-AT"] * 10
    mailing = open_in(spoken, [("zh-Hans", "", 1), ("", "", 1), ("de", "", 1)])
    deliver(mailing)
    assert assert_closes(mailing).accepted == 40
    subjects = {
        to: next(line for line in content.splitlines() if line.startswith(b"Subject"))
        for _, to, content in sink.mails
    }
    wanted = {"en": b"any", "zh-CN": b"zh-Hans", None: b"any", "de-AT": b"de"}
    assert subjects == {
        f"p{n:03}@x.example": b"Subject: " + wanted[language] for n, language in enumerate(spoken)
    }
    # What a mailing without more to say shows of itself is the content for everybody.
    mailing = Mailing.objects.get()
    assert mailing.content.subject == "any"
    message = Message.objects.get(address="p001@x.example")
    assert mails.rendered(message).subject == "zh-Hans"
    assert mails.target(message, 0) == "https://zh-Hans.example/"


@pytest.mark.django_db
def test_contents_of_one_language_share_its_people(open_in: Open) -> None:
    spoken: list[str | None] = ["en-GB", "fr"] * 300
    mailing = open_in(spoken, [("", "", 1), ("en", "A", 3), ("en", "B", 1)], holdout=20.0)
    by_language = {f"p{n:03}@x.example": language for n, language in enumerate(spoken)}
    counts = Counter((by_language[address], subject) for address, subject in got(mailing).items())
    assert set(counts) == {("fr", "any"), ("en-GB", "en A"), ("en-GB", "en B")}
    held = Counter(by_language[one] for one in LeftOut.objects.values_list("address", flat=True))
    assert 35 <= held["fr"] <= 85
    assert 35 <= held["en-GB"] <= 85
    english = 300 - held["en-GB"]
    assert abs(counts["en-GB", "en A"] - english * 3 / 4) <= 30
    assert sum(counts.values()) + sum(held.values()) == 600


@pytest.mark.django_db
def test_links_say_the_language(open_in: Open) -> None:
    mailing = open_in(["en", "zh"], [("", "", 1), ("en", "", 1)])
    for message in Message.objects.all():
        Event.objects.create(
            mailing=mailing, message=message, kind="clicked", at=timezone.now(), link=0
        )
    assert {(one.name, one.url, one.people) for one in links(mailing)} == {
        ("1", "https://any.example/", 1),
        ("en", "https://en.example/", 1),
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("choices", "why"),
    [
        ([], "1 to 32767 contents"),
        ([("en", "", 1)], "must have no language"),
        ([("en", "", 1), ("de", "", 1)], "must have no language"),
        ([("", "", 1), ("englisch", "", 1)], "“englisch” is no language tag"),
        ([("", "", 1), ("zh_CN", "", 1)], "“zh_CN” is no language tag"),
        ([("", "", 1), ("en", "", 1), ("EN", "", 1)], "for “en” have no name"),
        ([("", "A", 1), ("", "A", 1)], "for everybody are both named “A”"),
        ([("", "", 1), ("en", "", 0)], "A weight is a number from 1"),
    ],
)
def test_contents_that_do_not_go_together(
    open_in: Open, choices: list[tuple[str, str, int]], why: str
) -> None:
    with pytest.raises(VariantError, match=why):
        open_in(["en"], choices)
    assert not Mailing.objects.exists()


@given(
    st.lists(
        st.tuples(st.sampled_from(["en", "zh", "zh-Hans", "zh-CN"]), st.integers(1, 9)), max_size=6
    ),
    st.floats(0, 99),
)
def test_every_language_covers_every_chance(more: list[tuple[str, int]], holdout: float) -> None:
    tags = ["", *(tag for tag, _ in more)]
    found = shares([1, *(weight for _, weight in more)], tags, holdout)
    assert {one.number for one in found} == set(range(len(tags)))
    begun = round(WHOLE * holdout / 100)
    for prefix in {one.prefix for one in found}:
        mine = [one.begin for one in found if one.prefix == prefix]
        assert min(mine) == begun
        assert max(mine) < WHOLE
