"""Public pages where people choose which mails they get, and confirm a new address. No log-in, no
cookie, no script; only a POST changes anything, and it is safe to send twice."""

from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect
from django.urls import reverse

from contacts.preferencemodels import MailFrequency
from contacts.services.preferences import TooManyChoicesError
from pages import publicwords, readers
from sending.compose import tokens
from sending.models import Message
from tracking.services import addresschanges, mails, preferences
from tracking.services.addresschanges import Asked, Confirmed
from tracking.services.preferences import ChosenPreferences
from tracking.views import (
    for_recipient,
    opens_url,
    page_of,
    posting,
    reader_of,
    user_agent,
    write_to,
)

SAVED = {"all": "prefs.saved", "less": "prefs.saved_less", "sent": "address.sent"}
# Digits of a list's id in a form.
LONGEST_ID = 18


@for_recipient
def choose(request: HttpRequest, message: Message) -> HttpResponse:
    """The preferences of a mail's recipient."""
    if request.method == "POST":
        return _act(request, message)
    if request.GET.get("part") == "address":
        return _show_address(request, message)
    return _show(request, message)


def _act(request: HttpRequest, message: Message) -> HttpResponse:
    try:
        form = request.POST
    except (MultiPartParserError, SuspiciousOperation, BadRequest):
        return redirect(readers.keeping(request, request.path))
    if form.get("action") == "address":
        return _ask(request, message, form)
    return _save(request, message, form)


def _save(request: HttpRequest, message: Message, form: QueryDict) -> HttpResponse:
    chosen = chosen_in(form)
    reader = reader_of(request, message)
    brand = message.mailing.workspace.name
    # The text of consent, as it stands beside the ticks.
    help_text = publicwords.say(reader, "prefs.lists_help", brand=brand)
    words = {
        one.pk: f"[{reader}] {one.name}: {help_text}"
        for one in preferences.joinable(message, chosen.ticked)
    }
    try:
        allowed = preferences.choose(message, chosen, words=words, user_agent=user_agent(request))
    except TooManyChoicesError:
        return _show(request, message, status=429, problem="prefs.too_many")
    saved = "all" if allowed else "less"
    return redirect(readers.keeping(request, request.path, saved=saved))


def chosen_in(form: QueryDict) -> ChosenPreferences:
    """Unknown values choose nothing."""
    frequency = form.get("frequency")
    return ChosenPreferences(
        shown=_ids(form, "shown"),
        ticked=_ids(form, "list"),
        frequency=frequency if frequency in {"", *MailFrequency.Most.values} else None,
        pause=form.get("pause", ""),
        language=form.get("language"),
        again=form.get("again") == "1",
    )


def _ids(form: QueryDict, name: str) -> frozenset[int]:
    values = form.getlist(name)[: preferences.MOST_LISTS]
    return frozenset(
        int(one) for one in values if one.isascii() and one.isdigit() and len(one) <= LONGEST_ID
    )


def _ask(request: HttpRequest, message: Message, form: QueryDict) -> HttpResponse:
    typed = form.get("email", "")[:400].strip()
    asked = addresschanges.ask(message, typed, reader=reader_of(request, message))
    if asked is Asked.SENT:
        return redirect(readers.keeping(request, request.path, saved="sent"))
    return _show_address(request, message, problem=asked.value, typed=typed)


def _show(
    request: HttpRequest, message: Message, *, status: int = 200, **more: str
) -> HttpResponse:
    reader, now = reader_of(request, message), preferences.of(message)
    context: dict[str, Any] = {
        "address": message.address,
        "domain": message.address.rpartition("@")[2],
        "now": now,
        "recipient": now,
        "write_to": write_to(message),
        "saved": SAVED.get(request.GET.get("saved", "")) if request.method != "POST" else None,
        "languages": [(code, publicwords.name(code)) for code in now.languages],
        "paused_until": now.paused_until and publicwords.day(reader, now.paused_until),
        "frequencies": [("", "prefs.all"), ("week", "prefs.week"), ("month", "prefs.month")],
        "months": [(str(number), f"prefs.pause_{number}") for number in preferences.MONTHS],
        "address_url": readers.keeping(request, request.path, part="address"),
        "opens_url": opens_url(request, message),
        "unsubscribe": readers.keeping(
            request, reverse("public_unsubscribe", args=[tokens.make(message.pk)])
        ),
        **more,
    }
    return page_of(request, message, "public/preferences.html", context, status=status)


def _show_address(request: HttpRequest, message: Message, **more: str) -> HttpResponse:
    """A page of its own, so that sending its form loses no choice of the other one."""
    context = {
        "address": message.address,
        "now": preferences.of(message),
        "back": readers.keeping(request, request.path),
        **more,
    }
    return page_of(request, message, "public/new_address.html", context)


@posting
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail to a new address: a GET asks, a POST makes the change."""
    change = addresschanges.find(token)
    if change is None:
        return readers.page(request, "public/missing.html", status=404)
    if request.method == "POST":
        state = addresschanges.confirm(change)
        if state is Confirmed.DONE:
            return redirect(readers.keeping(request, request.path))
    else:
        state = addresschanges.state_of(change)
    message = mails.find(change.message_id)
    workspace = change.contact.workspace
    context = {
        "brand": workspace,
        "address": change.address,
        "state": state.value,
        "write_to": write_to(message) if message else workspace.from_email,
    }
    status = 409 if state is Confirmed.TAKEN else 200
    return readers.page(request, "public/address.html", context, status=status)
