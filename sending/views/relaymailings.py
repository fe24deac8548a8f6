"""The mails that a relay carried: the pages behind its numbers, and cards on its page."""

import datetime as dt
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.access import WorkspaceRequest, get_in
from contacts import sources
from contacts.models import Contact
from pages import tables
from relays.models import Relay
from relays.queries import history
from relays.services.usage import Panel
from relays.views.relays import PERIODS, hours_of
from sending.models import Mailing, Message
from sending.queries import relayreplies, relayreplymessages
from sending.services import relaymailings

SHOWN_MAILINGS = 5


def _recent(relay: Relay) -> list[Mailing]:
    return list(
        relaymailings.mailings(relay).select_related("tally").order_by("-pk")[:SHOWN_MAILINGS]
    )


def _cards(request: WorkspaceRequest, relay: Relay) -> dict[str, object]:
    recent = _recent(relay)
    return {
        "mailings": recent,
        "source_names": sources.names(request.workspace, [one.source for one in recent]),
        "replies": relayreplies.last(relay.pk, [one.pk for one in recent]),
    }


CARDS = Panel("sending/parts/relay_cards.html", _cards)


def relay_replies(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The messages with similar replies of the relay's server (`state` and `kind` of a group)."""
    relay = get_in(request.workspace, Relay, pk=pk)
    given = request.GET
    found = relayreplies.messages(
        relay.pk,
        [one.pk for one in _recent(relay)],
        state=given.get("state", ""),
        kind=given.get("kind", ""),
    )
    page = tables.keyset(found.select_related("mailing"), request, sorts={})
    context = _people(request, page) | {
        "relay": relay,
        "page": page,
        "state": given.get("state", ""),
        "kind": given.get("kind", ""),
    }
    return render(request, "sending/relay_replies.html", context)


def relay_answers(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The replies behind one total of the last hours (`hours`, `meaning`): when they came, and
    their messages."""
    relay = get_in(request.workspace, Relay, pk=pk)
    hours, meaning = hours_of(request), request.GET.get("meaning", "")
    context = {
        "title": _("Replies"),
        "kind": history.kind_of(meaning),
        "words": history.words_of(meaning) if meaning in history.MEANINGS else "",
        "period": dict(PERIODS)[hours],
    }
    intervals = history.intervals(relay.pk, hours, meaning)
    context |= _carried(request, relay, intervals, history.begins(hours), meaning)
    return render(request, "sending/relay_answers.html", context)


def relay_today(request: WorkspaceRequest, pk: int) -> HttpResponse:
    """The messages handed to it on this UTC day, hour by hour; with ?hour=1, in this hour."""
    relay = get_in(request.workspace, Relay, pk=pk)
    begin = timezone.now().astimezone(dt.UTC).replace(minute=0, second=0, microsecond=0)
    intervals = history.handed_today(relay.pk)
    if request.GET.get("hour") == "1":
        intervals = [one for one in intervals if one.begin == begin]
        context = {"title": _("Handed over this hour")}
    else:
        begin = begin.replace(hour=0)
        context = {"title": _("Handed over today (UTC)")}
    context |= _carried(request, relay, intervals, begin)
    return render(request, "sending/relay_answers.html", context)


def _carried(
    request: WorkspaceRequest,
    relay: Relay,
    intervals: list[history.CountedInterval],
    since: dt.datetime,
    meaning: str = "",
) -> dict[str, Any]:
    mailings = relaymailings.mailings(relay)
    found = relayreplymessages.messages(relay.pk, mailings, since, meaning=meaning)
    page = tables.keyset(found.select_related("mailing"), request, sorts={})
    return {
        "relay": relay,
        "intervals": intervals,
        "sum": sum(one.count for one in intervals),
        "page": page,
        "meaning": meaning,
        **_people(request, page),
    }


def _people(request: WorkspaceRequest, page: tables.Page[Message]) -> dict[str, Any]:
    """For tables of messages: ids of contacts that still exist, and names of sources."""
    ids = [row.contact_id for row in page if row.contact_id is not None]
    return {
        "known": set(Contact.objects.filter(pk__in=ids).values_list("pk", flat=True)),
        "source_names": sources.names(request.workspace, {row.mailing.source for row in page}),
    }
