from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from django.utils.translation import override

from relays import warmups
from relays.warmups import WarmupProgress

TODAY = date(2026, 3, 4)


@dataclass
class Warming:
    warmup: Any = field(default_factory=dict)
    warmup_began: date | None = None
    per_day: int | None = None


def test_plans_grow_from_day_to_day() -> None:
    assert list(warmups.plans()) == ["slow", "usual", "quick"]
    for plan in warmups.plans().values():
        assert list(plan.days) == sorted(set(plan.days))
        # Providers take no more than about twice as many as on the day before.
        assert all(
            after <= 2.5 * before for before, after in zip(plan.days, plan.days[1:], strict=False)
        )
    with override("zh-hans"):
        assert warmups.plans()["usual"].name == "常规：四周"


@pytest.mark.parametrize(
    ("began", "expected"),
    [
        (None, WarmupProgress(1, 3, 50)),
        (date(2026, 3, 4), WarmupProgress(1, 3, 50)),
        (date(2026, 3, 2), WarmupProgress(3, 3, 200)),
        (date(2026, 3, 1), None),  # over
        (date(2026, 3, 9), WarmupProgress(1, 3, 50)),
    ],
)
def test_progress(began: date | None, expected: WarmupProgress | None) -> None:
    relay = Warming({"days": [50, 100, 200]}, began)
    assert warmups.progress(relay, TODAY) == expected


def test_the_smaller_limit_holds() -> None:
    assert warmups.per_day(Warming(), TODAY) is None
    assert warmups.per_day(Warming(per_day=70), TODAY) == 70
    assert warmups.per_day(Warming({"days": [50]}, TODAY, 70), TODAY) == 50
    assert warmups.per_day(Warming({"days": [500]}, TODAY, 70), TODAY) == 70
    assert warmups.per_day(Warming({"plan": "usual"}, TODAY), TODAY) == 50


@pytest.mark.parametrize(
    "plan",
    [
        {"plan": "none"},
        {"days": []},
        {"days": [0]},
        {"days": [1.5]},
        {"days": [True]},
        {"days": "50"},
    ],
)
def test_what_is_no_plan(plan: dict[str, Any]) -> None:
    with pytest.raises(warmups.WarmupError):
        warmups.check(plan)
