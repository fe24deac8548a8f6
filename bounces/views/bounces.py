"""Bounces: what came back, the mail itself, and what was made of it."""

import datetime as dt
from dataclasses import dataclass

from django.contrib import messages
from django.core import signing
from django.core.exceptions import BadRequest
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.access import WorkspaceRequest
from accounts.models import Workspace
from bounces.models import BounceMail, BounceMailbox
from bounces.reading import ReportKind, parse, parts
from bounces.services import deciding as service
from bounces.services import mailboxes as mailboxservice
from bounces.services import unproven, unprovensources
from contacts import sources
from contacts.models import Contact
from pages import locales, numbers, reasons, tables, toasts
from smtp.replies import Meaning

UNDO_SALT = "sending.not_a_bounce"
LEFT = "left"
# As much of a mail as a page shows.
MOST_SHOWN = 64 * 1024

KINDS: dict[str, str | Promise] = {
    ReportKind.HARD_BOUNCED.value: gettext_lazy("Hard bounce"),
    ReportKind.SOFT_BOUNCED.value: gettext_lazy("Soft bounce"),
    ReportKind.BLOCKED.value: gettext_lazy("Blocked"),
    ReportKind.DELAYED.value: gettext_lazy("Delayed"),
    ReportKind.COMPLAINED.value: gettext_lazy("Complaint"),
    ReportKind.AUTO_REPLIED.value: gettext_lazy("Automatic reply"),
    ReportKind.CHALLENGED.value: gettext_lazy("Asks to confirm"),
    ReportKind.OTHER.value: gettext_lazy("Not a bounce"),
}
# What each kind means for the person, in a sentence.
MEANINGS: dict[str, str | Promise] = {
    ReportKind.HARD_BOUNCED.value: gettext_lazy(
        "The address does not exist. It gets no more mail."
    ),
    ReportKind.SOFT_BOUNCED.value: gettext_lazy(
        "Not delivered this time. The address stays as it is."
    ),
    ReportKind.BLOCKED.value: gettext_lazy(
        "Refused for its content, its sender or its reputation, not for the address, which stays "
        "as it is."
    ),
    ReportKind.DELAYED.value: gettext_lazy("The server still tries. This is no bounce."),
    ReportKind.COMPLAINED.value: gettext_lazy(
        "The person called it spam. The address gets no more mail."
    ),
    ReportKind.AUTO_REPLIED.value: gettext_lazy(
        "A machine answers for the person. This is no bounce."
    ),
    ReportKind.CHALLENGED.value: gettext_lazy(
        "The recipient's server asks the sender to prove himself. This is no bounce."
    ),
    ReportKind.OTHER.value: gettext_lazy("A person said that this is no bounce."),
}
# What was decided of a report that proves nothing.
DECISIONS: dict[str, str | Promise] = {
    "unproven": gettext_lazy(
        "Unproven: it names an address that you mailed, but carries nothing that only your mail "
        "to it holds. Anybody could have written it, so it changes nothing until somebody decides."
    ),
    "dismissed": gettext_lazy("Somebody dismissed this report. It changed nothing."),
}
MATCHES: dict[str, str | Promise] = {
    "verp": gettext_lazy("By the bounce address of the message"),
    "header": gettext_lazy("By the headers that came back"),
    "recipient": gettext_lazy("By the address alone: the last message to it"),
    "foreign": gettext_lazy("By the address alone: what came back belongs to another recipient"),
}
STATES: dict[str, str | Promise] = {
    "processed": gettext_lazy("Processed"),
    "unproven": gettext_lazy("Unproven"),
    "dismissed": gettext_lazy("Dismissed"),
    "stored": gettext_lazy("Waiting"),
    "failed": gettext_lazy("Could not be read"),
    "not_ours": gettext_lazy("Not about your messages"),
    # All of those that the collector leaves alone.
    LEFT: gettext_lazy("Left as they were"),
}


@dataclass(frozen=True, slots=True)
class BounceRow:
    mail: BounceMail
    kind: str | Promise
    matched: str | Promise


def filtered(workspace: Workspace, parameters: QueryDict) -> QuerySet[BounceMail]:
    """By q (part of an address), kind, state, mailbox; mail that isn't ours is among them only
    where the state asks for it."""
    rows = BounceMail.objects.filter(mailbox__workspace=workspace)
    state = parameters.get("state", "")
    if state in STATES:
        rows = rows.filter(state__in=mailboxservice.LEFT if state == LEFT else [state])
    else:
        rows = rows.exclude(state="not_ours")
    if text := parameters.get("q", "").strip().lower():
        rows = rows.filter(Q(message__address__startswith=text) | Q(recipient__icontains=text))
    if (kind := parameters.get("kind", "")) in KINDS:
        rows = rows.filter(kind=kind)
    if (mailbox := numbers.whole(parameters.get("mailbox", ""))) is not None:
        rows = rows.filter(mailbox_id=mailbox)
    return rows


def bounces(request: WorkspaceRequest) -> HttpResponse:
    rows = filtered(request.workspace, request.GET)
    page = tables.keyset(
        rows.defer("raw").select_related("message__mailing", "mailbox"),
        request,
        sorts={"when": "pk"},
        default="-when",
    )
    mailboxes = BounceMailbox.objects.filter(workspace=request.workspace).order_by("name")
    context = {
        "page": page,
        "source_names": sources.names(
            request.workspace, [mail.message.mailing.source for mail in page if mail.message]
        ),
        "rows": [
            BounceRow(mail, KINDS.get(mail.kind, mail.kind), MATCHES.get(mail.matched_by, ""))
            for mail in page
        ],
        "kinds": KINDS.items(),
        "states": STATES.items(),
        "mailboxes": mailboxes,
        "unproven": unproven.waiting(request.workspace),
        "sources": (unprovensources.MOST, unprovensources.KEPT.days),
        "filtered": any(request.GET.get(name) for name in ("q", "kind", "state", "mailbox")),
    }
    return render(request, "bounces/bounces.html", context)


def bounce(request: WorkspaceRequest, pk: int) -> HttpResponse:
    mail = _mail(request.workspace, pk)
    raw = bytes(mail.raw or b"")
    message = mail.message
    report = parse(raw).about(message.address if message else "")
    person = (
        Contact.objects.filter(workspace=request.workspace, pk=message.contact_id or 0).first()
        if message
        else None
    )
    context = {
        "mail": mail,
        "source_names": sources.names(
            request.workspace, [message.mailing.source] if message else []
        ),
        "report": report,
        "decided_by": _decided_by(report.why),
        "kind": KINDS.get(mail.kind, mail.kind),
        "meaning": MEANINGS.get(mail.kind, "") if mail.state == "processed" else "",
        "decision": DECISIONS.get(mail.state, ""),
        "matched": MATCHES.get(mail.matched_by, ""),
        "person": person,
        "suppression": service.suppression_of(message).filter(lifted_at=None).first()
        if message
        else None,
        "texts": _texts(raw),
        "headers": _headers(raw),
        "source": parts.characters(raw, "")[:MOST_SHOWN],
        "sources": (unprovensources.MOST, unprovensources.KEPT.days),
    }
    return render(request, "bounces/bounce.html", context)


def _decided_by(why: str) -> str:
    """What decided the kind (bounces.reading.report), in words: `address: 5.1.1`."""
    code, colon, words = why.partition(": ")
    if not colon or not words:
        return why
    if code in set(Meaning):
        text = _("“{words}”, which means: {meaning}")
        return text.format(words=words, meaning=reasons.text(code))
    return _("the field {field} of the notice, which says “{words}”").format(
        field=code, words=words
    )


def bounce_source(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The mail as it came, as a file."""
    mail = _mail(request.workspace, pk)
    if mail.raw is None:
        raise Http404
    response = HttpResponse(bytes(mail.raw), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="bounce-{mail.pk}.eml"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def not_a_bounce(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    mail = _mail(request.workspace, pk)
    if mail.state != BounceMail.State.PROCESSED:
        raise BadRequest  # of one that does not count there is nothing to take back
    moment, kind = timezone.now(), mail.kind
    lifted = service.not_a_bounce(mail, request.user, moment)
    token = signing.dumps([mail.pk, kind, moment.isoformat()], salt=UNDO_SALT)
    url = reverse("is_a_bounce", args=[request.workspace.slug, mail.pk])
    text = (
        _("Noted. The address gets mail again; the report counts what the server said.")
        if lifted
        else _("Noted. No address was suppressed because of it.")
    )
    toasts.undo(request, text, f"{url}?token={token}")
    return redirect("bounce", request.workspace.slug, mail.pk)


@require_POST
def is_a_bounce(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """Takes `not_a_bounce` back."""
    mail = _mail(request.workspace, pk)
    try:
        token = request.GET.get("token", "")
        known, kind, moment = signing.loads(token, salt=UNDO_SALT, max_age=3600)
    except (signing.BadSignature, ValueError) as error:
        raise BadRequest from error
    if known != mail.pk:
        raise BadRequest
    service.is_a_bounce(mail, ReportKind(kind), dt.datetime.fromisoformat(moment))
    messages.success(request, _("It counts as it was read again."))
    return redirect("bounce", request.workspace.slug, mail.pk)


@require_POST
def count_bounce(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    """A person says that an unproven report is genuine."""
    mail = _mail(request.workspace, pk)
    counted, suppressed = unproven.count(BounceMail.objects.filter(pk=mail.pk), request.user)
    _say_counted(request, counted, suppressed)
    return redirect("bounce", request.workspace.slug, mail.pk)


@require_POST
def dismiss_bounce(request: WorkspaceRequest, pk: int) -> HttpResponseBase:
    mail = _mail(request.workspace, pk)
    dismissed = unproven.dismiss(BounceMail.objects.filter(pk=mail.pk), request.user)
    _say_dismissed(request, dismissed)
    return redirect("bounce", request.workspace.slug, mail.pk)


@require_POST
def count_unproven(request: WorkspaceRequest) -> HttpResponseBase:
    """All that the person was shown the number of; what came later waits."""
    counted, suppressed = unproven.count(_shown(request), request.user)
    _say_counted(request, counted, suppressed)
    return redirect("bounces", request.workspace.slug)


@require_POST
def dismiss_unproven(request: WorkspaceRequest) -> HttpResponseBase:
    _say_dismissed(request, unproven.dismiss(_shown(request), request.user))
    return redirect("bounces", request.workspace.slug)


def _shown(request: WorkspaceRequest) -> QuerySet[BounceMail]:
    until = numbers.whole(request.POST.get("until", ""))
    if until is None:
        raise BadRequest
    return unproven.of(request.workspace).filter(pk__lte=until)


def _say_counted(request: WorkspaceRequest, counted: int, suppressed: int) -> None:
    reports = ngettext("{count} report is counted.", "{count} reports are counted.", counted)
    people = ngettext(
        "{count} address is suppressed because of it.",
        "{count} addresses are suppressed because of it.",
        suppressed,
    )
    said = reports.format(count=locales.number(counted))
    messages.success(
        request, locales.sentences(said, people.format(count=locales.number(suppressed)))
    )


def _say_dismissed(request: WorkspaceRequest, dismissed: int) -> None:
    text = ngettext(
        "{count} report is dismissed. It changed nothing and stays in the mailbox.",
        "{count} reports are dismissed. They changed nothing and stay in the mailbox.",
        dismissed,
    )
    messages.success(request, text.format(count=locales.number(dismissed)))


def _mail(workspace: Workspace, pk: int) -> BounceMail:
    """A mail that is about a message of the workspace, or that could not be read."""
    rows = BounceMail.objects.select_related("message__mailing", "mailbox__workspace")
    return get_object_or_404(rows.exclude(state="not_ours"), pk=pk, mailbox__workspace=workspace)


def _texts(raw: bytes) -> list[tuple[str, str]]:
    """(type, text) of each part that a person can read."""
    readable = ("text/", "message/delivery-status", "message/feedback-report")
    return [
        (part.kind, text[:MOST_SHOWN])
        for part in parts.read(raw).walk()
        if not part.parts and part.kind.startswith(readable) and (text := part.text().strip())
    ][:10]


def _headers(raw: bytes) -> list[tuple[str, str]]:
    headers = parts.read(raw).headers
    return [
        (name.title(), parts.words(value)) for name, values in headers.items() for value in values
    ]
