"""Which file is fetched next: few at once in the whole installation, one of each workspace, and in
turns among workspaces, so that slow servers of one keep no other waiting."""

from django.db import transaction
from django.db.models import F, Max, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from contacts.queries import turns
from contacts.scheduledmodels import ScheduledRun
from contacts.services import scheduledruns

# Files that are fetched at once in the whole installation: the workers that fetch also collect
# bounce mailboxes, of which there are three by default, and slow servers must not keep them all.
AT_ONCE = 2
FETCHING = ScheduledRun.State.FETCHING


@transaction.atomic
def claim() -> ScheduledRun | None:
    """The run whose turn it is, ours from now on. None: no place is free, or only workspaces wait
    that have one; the tick asks again."""
    turns.wait("fetch")
    busy = set(held().values_list("schedule__workspace", flat=True))
    if len(busy) >= AT_ONCE:
        return None
    run_id = _waiting().exclude(schedule__workspace__in=busy).values_list("pk", flat=True).first()
    run = scheduledruns.claim(run_id, FETCHING) if run_id else None
    if run:
        ScheduledRun.objects.filter(pk=run.pk).update(begun_at=timezone.now())
    return run


def held() -> QuerySet[ScheduledRun]:
    """Runs that a worker fetches now."""
    return ScheduledRun.objects.filter(state=FETCHING, leased_until__gt=timezone.now())


def _waiting() -> QuerySet[ScheduledRun]:
    """Runs without a worker: first those of the workspace whose last turn is longest ago."""
    free = Q(leased_until=None) | Q(leased_until__lte=timezone.now())
    runs = ScheduledRun.objects.filter(free, state=FETCHING, schedule__workspace__deleted_at=None)
    turn = (
        ScheduledRun.objects.filter(schedule__workspace=OuterRef("schedule__workspace"))
        .order_by()
        .values("schedule__workspace")
        .values(last=Max("begun_at"))
    )
    return runs.annotate(turn=Subquery(turn)).order_by(F("turn").asc(nulls_first=True), "pk")
