"""What refusals say about more than one message: that a relay takes nothing from us, or not from
this sender, or that servers refuse a mailing for what it is. The relay is stopped or the mailing
paused before its audience is used up, and its people are told why."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone, translation

from accounts import notices
from accounts.exceptions import MailNotSentError
from accounts.models import Membership
from accounts.permissions import Permission, Role, allows
from contacts import sources
from sending import reasons
from sending.models import Mailing, Refusals, Relay, RelayMinute, Tally
from sending.replies import Meaning, Verdict
from sending.services import mailings, relayhealth

log = logging.getLogger(__name__)

# A run: more than so many refusals, and more than this share of the latest mails. Lists that were
# collected properly have some refusals in a hundred (spam traps, strict companies); a provider or a
# relay that refuses the content or the sender's reputation refuses nearly all. Twenty lost mails of
# the first fifty are a cheap warning, and a large mailing is stopped within the next sixty.
RUN = 20
SHARE = 0.3
LATEST = 200
# Of a pool's relays, which one took a mail is known for as long.
RECENT = timedelta(hours=1)
# Reasons to pause a mailing; codes of sending.reasons.
MANY_REFUSED = "many_refused"
# Refused for what they are: the next one would be too.
OF_THE_MAILING = {Meaning.POLICY, Meaning.UNCLEAR, Meaning.TOO_LARGE}
WORKING = (Relay.State.ACTIVE, Relay.State.DRAINING)


@dataclass(frozen=True, slots=True)
class Refused:
    """One message that a server refused. `doubtful`: it says that the relay takes nothing from us,
    or not from this sender, while the relay took others of the mailing."""

    verdict: Verdict
    reply: str
    doubtful: bool = False


def learn(mailing: Mailing, relay: Relay, refused: Iterable[Refused], *, decided: int) -> None:
    """Takes what a recorded batch showed. `decided`: how many of it the server took or refused for
    good. Not to be called within the transaction that recorded it: claims hold the mailing's row
    and wait for its tally."""
    seen = list(refused)
    halting = [one for one in seen if one.verdict.meaning.stops_relay and not one.doubtful]
    if halting:
        _halt(mailing, relay, halting[0])
    against = [one for one in seen if one.doubtful or one.verdict.meaning in OF_THE_MAILING]
    if not _run(mailing, decided, len(against)):
        return
    doubtful = [one for one in against if one.doubtful]
    if doubtful:
        # It took others before: an account that was closed, a sender that was withdrawn.
        _halt(mailing, relay, doubtful[-1])
    else:
        _pause(mailing, MANY_REFUSED, against[-1].reply if against else "")


def took_others(mailing: Mailing, relay: Relay) -> bool:
    """Whether the relay has taken mails of the mailing, so that neither its login nor its sender is
    what it refuses: more likely it passes on what one recipient's server says."""
    if not Tally.objects.filter(mailing=mailing, accepted__gt=0).exists():
        return False
    since = timezone.now() - RECENT
    minutes = RelayMinute.objects.filter(relay=relay, minute__gt=since, meaning=Meaning.ACCEPTED)
    return mailing.relay_id == relay.pk or minutes.exists()


def _halt(mailing: Mailing, relay: Relay, refused: Refused) -> None:
    """A login that is refused stops the relay for everybody. A sender that is refused stops it,
    unless other mailings send with another sender over it; who has no other relay is paused. A
    name in EHLO that is refused makes the relay wait: it goes on by itself when that is mended."""
    why = refused.verdict.meaning
    if why is Meaning.EHLO:
        relayhealth.back_off(relay, why.value, refused.reply)
        return
    if why is Meaning.LOGIN or not _serves_others(relay, mailing):
        relayhealth.stop(relay, reasons.with_words(why.value, refused.reply))
    if why is Meaning.LOGIN or _others(mailing, relay).exists():
        return
    _pause(mailing, why.value, refused.reply)


def _serves_others(relay: Relay, mailing: Mailing) -> bool:
    return (
        Mailing.objects.filter(
            Q(relay=relay) | Q(pool__members__relay=relay), state=Mailing.State.SENDING
        )
        .exclude(from_email=mailing.from_email)
        .exists()
    )


def _others(mailing: Mailing, relay: Relay) -> QuerySet[Relay]:
    return Relay.objects.filter(pools__pool=mailing.pool_id, state__in=WORKING).exclude(pk=relay.pk)


# Runs ---------------------------------------------------------------------------------------------

# What is older weighs less, so that two numbers are enough for "of the latest". Only while it
# sends: what comes back from the wire after a pause is no new run.
COUNT = """
UPDATE sending_refusals r
   SET decided = r.decided * %(keep)s + %(decided)s, refused = r.refused * %(keep)s + %(refused)s
  FROM sending_mailing m
 WHERE r.mailing_id = %(mailing)s AND m.id = r.mailing_id AND m.state = 'sending'
RETURNING r.decided, r.refused
"""
FIRST = """
INSERT INTO sending_refusals (mailing_id, decided, refused, to_tell, told, words)
VALUES (%(mailing)s, %(decided)s, %(refused)s, '{}', '{}', '')
ON CONFLICT (mailing_id) DO NOTHING RETURNING decided, refused
"""


def _run(mailing: Mailing, decided: int, refused: int) -> bool:
    """Counts; whether that is a run. A mailing without refusals costs one look into an index."""
    if not decided and not refused:
        return False
    known = {
        "mailing": mailing.pk,
        "decided": max(decided, refused),
        "refused": refused,
        "keep": max(0.0, 1 - decided / LATEST),
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT, known)
        row = cursor.fetchone()
        if row is None and refused:
            cursor.execute(FIRST, known)
            row = cursor.fetchone()
    return row is not None and row[1] > RUN and row[1] > SHARE * row[0]


@transaction.atomic
def _pause(mailing: Mailing, reason: str, words: str) -> None:
    """Who resumes it begins a new count. Each reason is told once."""
    if not mailings.pause(mailing, reasons.with_words(reason, words)):
        return
    row, _ = Refusals.objects.select_for_update().get_or_create(mailing=mailing)
    row.decided = row.refused = 0
    row.words = words[:2000]
    if reason not in row.told + row.to_tell:
        row.to_tell.append(reason)
    row.save()
    log.warning("mailing %s is paused: %s (%s)", mailing.pk, reason, words[:200])


# Telling ------------------------------------------------------------------------------------------


def tell_all() -> int:
    """Mails what is to be told, as long as it is still so; safe to run twice. How many mails."""
    waiting = Refusals.objects.filter(to_tell__len__gt=0).values_list("pk", flat=True)
    return sum(_tell(pk) for pk in waiting)


@transaction.atomic
def _tell(pk: int) -> int:
    rows = Refusals.objects.select_related("mailing__workspace").filter(to_tell__len__gt=0)
    row = rows.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
    if row is None:
        return 0
    number = 0
    if row.mailing.state == Mailing.State.PAUSED:
        try:
            number = _mail(row, row.to_tell[-1])
        except MailNotSentError:
            return 0  # logged by notices; the next run tries again
    row.told, row.to_tell = row.told + row.to_tell, []
    row.save(update_fields=["told", "to_tell"])
    return number


def _mail(row: Refusals, reason: str) -> int:
    """To everybody who may do something about it, each in their language."""
    mailing = row.mailing
    roles = [role for role in Role if allows(role, Permission.SEND)]
    people = Membership.objects.filter(
        workspace=mailing.workspace, role__in=roles, user__is_active=True
    ).select_related("user")
    named = sources.names(mailing.workspace, [mailing.origin]).get(mailing.origin, "")
    for member in people:
        language = member.user.language or settings.LANGUAGE_CODE
        with translation.override(language):
            context = _context(mailing, reason, row.words, named)
        notices.send("mailing_paused", to=member.user.email, language=language, **context)
    return len(people)


def _context(mailing: Mailing, reason: str, words: str, named: str) -> Mapping[str, object]:
    path = sources.url(mailing.origin, mailing.workspace.slug)
    return {
        "name": named or sources.words(mailing.origin),
        "workspace": mailing.workspace.name,
        "reason": reason,
        "sentence": reasons.text(reason),
        "words": words,
        "waiting": mailing.tally.waiting,
        "url": settings.PUBLIC_URL + path if path else settings.PUBLIC_URL,
    }
