"""A campaign's sending window and its own maximum rate: chosen, kept, said, and handed on."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.test import Client
from django.utils import timezone, translation

from campaigns import services, wording
from campaigns.models import Campaign
from campaigns.services import review
from relays.models import Pool, PoolMember, Relay, RelayUse
from tests.campaigns.test_composer import rail, save, url

pytestmark = pytest.mark.django_db
Make = Callable[..., Campaign]
OFFICE = {"days": [1, 2, 3, 4, 5], "from": "09:00", "to": "18:00", "zone": "Asia/Shanghai"}
TYPED = {
    "when": "now",
    "hours": "within",
    "days": ["1", "2", "3", "4", "5"],
    "begins": "09:00",
    "ends": "18:00",
    "window_zone": "Asia/Shanghai",
    "per_minute": "600",
}


def words(html: str) -> str:
    return unescape(" ".join(re.sub(r"<[^>]*>", " ", html).split()))


def test_window_and_rate_are_kept_and_said(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    answer = words(save(owner_client, campaign, "when", **TYPED))
    assert campaign.window == OFFICE
    assert campaign.per_minute == 600
    said = "Mon–Fri 09:00–18:00 (Asia/Shanghai)"
    assert f"As soon as I say so · {said} · at most 600 a minute" in answer
    assert f"It sends {said}. What isn't sent when a window ends goes on in the next one." in answer
    page = owner_client.get(url("campaign", campaign)).content.decode()
    assert 'name="per_minute" value="600"' in page
    assert re.search(r'name="days" value="5"[^>]*checked', page)
    assert not re.search(r'name="days" value="6"[^>]*checked', page)
    shown = words(owner_client.get(url("review_campaign", campaign)).content.decode())
    assert f"Sends {said} at most 600 a minute" in shown


def test_a_window_can_be_taken_back(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign(window=OFFICE, per_minute=600)
    save(owner_client, campaign, "when", when="now", hours="any", per_minute="")
    assert campaign.window == {}
    assert campaign.per_minute is None


def test_who_says_nothing_of_them_changes_nothing(
    owner_client: Client, make_campaign: Make
) -> None:
    """A page that was open since before there were windows."""
    campaign = make_campaign(window=OFFICE, per_minute=600)
    save(owner_client, campaign, "when", when="now")
    assert (campaign.window, campaign.per_minute) == (OFFICE, 600)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"days": []}, "Choose at least one day."),
        ({"days": ["8"]}, "8 is not one of the available choices"),
        ({"begins": ""}, "Enter when it may begin."),
        ({"ends": ""}, "Enter when it stops."),
        ({"ends": "25:00"}, "Enter a valid time."),
        ({"ends": "09:00"}, "The window is empty; enter another hour."),
        ({"window_zone": "Atlantis"}, "Choose a time zone from the list"),
    ],
)
def test_a_window_that_is_none_is_refused_and_the_rest_is_saved(
    owner_client: Client, make_campaign: Make, given: dict[str, object], why: str
) -> None:
    campaign = make_campaign()
    answer = words(save(owner_client, campaign, "when", **(TYPED | given)))
    assert why in answer
    assert campaign.window == {}
    assert campaign.per_minute == 600


@pytest.mark.parametrize("typed", ["0", "-1", "many", "10000001"])
def test_a_rate_that_is_none_is_refused(
    owner_client: Client, make_campaign: Make, typed: str
) -> None:
    campaign = make_campaign()
    answer = save(owner_client, campaign, "when", **(TYPED | {"per_minute": typed}))
    assert "per_minute_error" in answer
    assert (campaign.per_minute, campaign.window) == (None, OFFICE)


def test_hours_over_midnight_are_a_window(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign()
    answer = save(owner_client, campaign, "when", **(TYPED | {"begins": "22:00", "ends": "06:00"}))
    assert (campaign.window["from"], campaign.window["to"]) == ("22:00", "06:00")
    assert "a day's window ends on the day after" in words(answer)


def test_a_start_outside_of_the_window_says_when_it_really_goes_out(
    owner_client: Client, make_campaign: Make
) -> None:
    campaign = make_campaign()
    given = {"when": "later", "date": "2027-07-03", "time": "10:00", "timezone": "Asia/Shanghai"}
    answer = words(save(owner_client, campaign, "when", **(TYPED | given)))
    assert "The first mails go out Mon 5 Jul 2027 09:00 (Asia/Shanghai)." in answer


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        ([1, 2, 3, 4, 5], "Mon–Fri", "周一至周五"),
        ([6, 7], "Sat, Sun", "周六、周日"),
        ([1, 3, 5], "Mon, Wed, Fri", "周一、周三、周五"),
        ([1, 2, 3, 4, 5, 6, 7], "every day", "每天"),
    ],
)
def test_days_are_said_as_people_say_them(days: list[int], english: str, chinese: str) -> None:
    assert wording.days(days) == english
    with translation.override("zh-hans"):
        assert wording.days(days) == chinese


def test_the_mailing_gets_both(make_campaign: Make) -> None:
    campaign = make_campaign(window=OFFICE, per_minute=600)
    services.start_now(campaign)
    services.start_due()
    campaign.refresh_from_db()
    assert campaign.mailing is not None
    assert (campaign.mailing.window, campaign.mailing.per_minute) == (OFFICE, 600)


def test_a_copy_has_both(make_campaign: Make) -> None:
    copy = services.duplicate(make_campaign(window=OFFICE, per_minute=600))
    assert (copy.window, copy.per_minute) == (OFFICE, 600)


# When it is done ---------------------------------------------------------------------------------

# A Friday, far ahead.
FRIDAY = datetime(2027, 7, 2, 9, 0, tzinfo=UTC)


def minutes(campaign: Campaign) -> float:
    campaign.refresh_from_db()
    found = review.review(campaign)
    assert found.seconds is not None
    return found.seconds / 60


def test_the_rail_counts_with_its_own_rate(owner_client: Client, make_campaign: Make) -> None:
    campaign = make_campaign(per_minute=1, scheduled_at=FRIDAY)
    assert minutes(campaign) == pytest.approx(2, abs=0.01)
    assert "takes about 2 min" in words(rail(owner_client, campaign))


def test_the_rail_counts_with_the_window(owner_client: Client, make_campaign: Make) -> None:
    window = OFFICE | {"days": [1], "zone": "UTC"}
    campaign = make_campaign(window=window, per_minute=1, scheduled_at=FRIDAY, timezone="UTC")
    assert minutes(campaign) == pytest.approx(3 * 24 * 60 + 2, abs=0.01)
    assert "done about Mon 5 Jul 2027 09:02 (UTC)" in words(rail(owner_client, campaign))


def test_the_rail_counts_with_the_relays_minute_and_its_warm_up(
    make_campaign: Make, relay: Relay
) -> None:
    campaign = make_campaign(scheduled_at=FRIDAY)
    Relay.objects.filter(pk=relay.pk).update(per_minute=1)
    assert minutes(campaign) == pytest.approx(2, abs=0.01)
    Relay.objects.filter(pk=relay.pk).update(warmup={"days": [1, 1, 5]})
    # One on its first day, which is this one, the other on the next.
    assert minutes(campaign) == pytest.approx(15 * 60 + 1, abs=0.01)
    Relay.objects.filter(pk=relay.pk).update(warmup_began=FRIDAY.date() - timedelta(days=2))
    assert minutes(campaign) == pytest.approx(2, abs=0.01)


def test_what_a_relay_has_sent_today_is_not_there_any_more(
    make_campaign: Make, relay: Relay
) -> None:
    Relay.objects.filter(pk=relay.pk).update(per_day=1000)
    now = timezone.now()
    campaign = make_campaign()
    assert minutes(campaign) < 1
    hour = now.replace(minute=0, second=0, microsecond=0)
    RelayUse.objects.create(relay=relay, hour=hour, count=1000)
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0) + timedelta(days=1)
    assert minutes(campaign) == pytest.approx((midnight - now).total_seconds() / 60, abs=0.5)


def test_a_pools_second_tier_counts_only_when_the_first_can_not(
    make_campaign: Make, relay: Relay
) -> None:
    pool = Pool.objects.create(workspace=relay.workspace, name="Main")
    other = Relay.objects.create(workspace=relay.workspace, name="Other", host="x", per_minute=1)
    PoolMember.objects.create(pool=pool, relay=relay)
    PoolMember.objects.create(pool=pool, relay=other, tier=2)
    campaign = make_campaign(relay=None, pool=pool, scheduled_at=FRIDAY)
    assert minutes(campaign) < 0.1
    Relay.objects.filter(pk=relay.pk).update(state="paused")
    assert minutes(campaign) == pytest.approx(2, abs=0.01)
