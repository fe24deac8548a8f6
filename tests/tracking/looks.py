"""What pages leave behind that were only looked at."""

from datetime import timedelta

from django.db.models import F

from sending.models import Event
from tracking.models import LOOKED, Hit
from tracking.services import hits


def assert_only_looked() -> None:
    """Nothing but looks was noted. They help to tell machines, and are forgotten soon."""
    assert not Hit.objects.exclude(kind=LOOKED).exists()
    Hit.objects.update(at=F("at") - timedelta(minutes=1))
    hits.record_hits()
    assert not Hit.objects.exists()
    assert not Event.objects.exists()
