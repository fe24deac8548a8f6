"""Tells people by mail why a mailing of theirs was paused or held: one mail for what came together,
and each reason once."""

from collections.abc import Sequence

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation

from accounts import notices
from accounts.exceptions import MailNotSentError
from accounts.models import Membership
from accounts.permissions import Permission, Role, allows
from contacts import sources
from pages import reasons
from sending.models import Hold, Mailing
from sending.reasons import said
from sending.services import heldpeople, holdwords


def tell_all() -> int:
    """Mails what is to be told, as long as it is still so; safe to run twice. How many mails."""
    waiting = Hold.objects.filter(told_at=None).values_list("mailing", flat=True)
    return sum(_tell(pk) for pk in set(waiting))


@transaction.atomic
def _tell(mailing_id: int) -> int:
    rows = Hold.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        mailing=mailing_id, told_at=None
    )
    untold = list(rows.select_related("relay").order_by("pk"))
    if not untold:
        return 0
    mailing = Mailing.objects.select_related("workspace", "tally").get(pk=mailing_id)
    news = [one for one in untold if _still_so(one, mailing) and not _known(one)]
    number = 0
    if news:
        try:
            number = _mail(mailing, news)
        except MailNotSentError:
            return 0  # logged by notices; the next run tries again
    Hold.objects.filter(pk__in=[one.pk for one in untold]).update(told_at=timezone.now())
    return number


def _still_so(one: Hold, mailing: Mailing) -> bool:
    paused = one.kind != Hold.Kind.MAILING or mailing.state == Mailing.State.PAUSED
    return paused and one.released_at is None and not one.decision


def _known(one: Hold) -> bool:
    """The same was told before."""
    same = Hold.objects.filter(
        mailing=one.mailing_id, kind=one.kind, lane=one.lane, relay=one.relay_id, reason=one.reason
    )
    return same.exclude(told_at=None).exists()


def _mail(mailing: Mailing, news: Sequence[Hold]) -> int:
    """To everybody who may do something about it, each in their language."""
    roles = [role for role in Role if allows(role, Permission.SEND)]
    people = Membership.objects.filter(
        workspace=mailing.workspace, role__in=roles, user__is_active=True
    ).select_related("user")
    named = sources.names(mailing.workspace, [mailing.source]).get(mailing.source, "")
    paused = next((one for one in news if one.kind == Hold.Kind.MAILING), None)
    for member in people:
        language = member.user.language or settings.LANGUAGE_CODE
        with translation.override(language):
            context = {
                **_context(mailing, named),
                **(_of(paused) if paused else _of_parts(news)),
            }
        notice = "mailing_paused" if paused else "mailing_held"
        notices.send(notice, to=member.user.email, language=language, **context)
    return len(people)


def _context(mailing: Mailing, named: str) -> dict[str, object]:
    path = sources.url(mailing.source, mailing.workspace.slug)
    return {
        "name": named or sources.words(mailing.source),
        "workspace": mailing.workspace.name,
        "waiting": mailing.tally.waiting,
        "url": settings.PUBLIC_URL + path if path else settings.PUBLIC_URL,
    }


def _of(paused: Hold) -> dict[str, object]:
    return {
        "reason": paused.reason,
        "sentence": reasons.text(paused.reason),
        "words": said(paused.words),
        "refused": heldpeople.refused_in(paused).count(),
    }


def _of_parts(news: Sequence[Hold]) -> dict[str, object]:
    for one in news:
        heldpeople.count(one)
    told = [(holdwords.sentence(one), said(one.words)) for one in news]
    return {"first": holdwords.title(news[0]), "number": len(news), "said": told}
