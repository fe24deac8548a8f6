"""Random schedules of all faults: whatever happens, everybody is told the truth about.

`make fault-test` plays many; YANSHU_FAULT_SCHEDULES says how many (docs/developers/faults.md).
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.sending.engine.faults.conductor import played
from tests.sending.engine.faults.schedules import Schedule, schedules
from tests.sending.engine.faults.workers import Nursery

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = int(os.environ.get("YANSHU_FAULT_SCHEDULES", "8"))
# In `make test` always the same ones: what is new is found by the long run.
ALWAYS_THE_SAME = "YANSHU_FAULT_SCHEDULES" not in os.environ


@pytest.mark.timeout(60 + 20 * NUMBER)
@settings(
    max_examples=NUMBER,
    deadline=None,
    derandomize=ALWAYS_THE_SAME,
    database=None,
    print_blob=True,
    # Such a run is another one each time: to shrink what failed would take hours and lead nowhere.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(schedule=schedules())
def test_nobody_is_mailed_twice_and_nobody_left_out(nest: Nursery, schedule: Schedule) -> None:
    with played(schedule, nest):
        pass
