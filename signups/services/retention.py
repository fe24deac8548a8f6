"""Ends sign-ups that nobody confirmed, and forgets them later."""

from datetime import timedelta

from django.db.models.functions import Coalesce
from django.utils import timezone

from signups import links
from signups.models import ConfirmationMail, Signup
from signups.services import asking

# How long those that were never confirmed are kept, with address and values.
KEPT = timedelta(days=30)
BATCH = 5_000


def tend() -> None:
    """A piece of each; the next tick goes on."""
    now = timezone.now()
    waiting = Signup.objects.filter(state=Signup.State.WAITING)
    over = waiting.filter(created_at__lt=now - links.HOLDS).annotate(
        begun=Coalesce("asked_at", "created_at")
    )
    ids = over.filter(begun__lt=now - links.HOLDS).values("pk")[:BATCH]
    waiting.filter(pk__in=ids).update(state=Signup.State.EXPIRED)
    old = ConfirmationMail.objects.filter(sent_at__lt=now - 2 * asking.DAY)
    ConfirmationMail.objects.filter(pk__in=old.values("pk")[:BATCH]).delete()
    unconfirmed = Signup.objects.exclude(state=Signup.State.CONFIRMED)
    gone = unconfirmed.filter(created_at__lt=now - KEPT).exclude(asked_at__gt=now - KEPT)
    Signup.objects.filter(pk__in=gone.values("pk")[:BATCH]).delete()
