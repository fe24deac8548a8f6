"""Public pages that a mail's links lead to. They need no log-in, no cookie and no script.

Only a POST changes anything: to the unsubscribe URL subscriptions, to the one about opens the
consent for counting them. Scanners follow every link by GET and HEAD.
"""

import base64
from collections.abc import Callable, Mapping
from functools import partial, wraps
from typing import Any

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from accounts.entrance import client_ip
from contacts.preferencemodels import PreferenceChoice
from designs.fuel import TimeUpError, within
from designs.places import LONGEST_WORK
from designs.rendering import RenderError
from pages import csp, database, readers
from pages.readers import ICON, private
from sending import machines
from sending.compose import tokens
from sending.compose.tokens import NOBODY
from sending.machines import Actor
from sending.models import Event, Message
from tracking.models import LOOKED
from tracking.services import hits, leaving, mails, opens, preferences, reading

# A transparent GIF of one pixel.
PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
# Numbers of a mail's other pages beside those of its links, to count different ones (keep_look).
PAGES = {
    "public_unsubscribe": -1,
    "public_view": -2,
    "public_preferences": -3,
    "public_open_counting": -4,
}
# Headers of requests that a browser makes in advance.
PURPOSE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
# (code, key of its text): why people leave.
REASONS = [(code, f"because.{code}") for code in PreferenceChoice.Because.values]


def user_agent(request: HttpRequest) -> str:
    return request.headers.get("User-Agent", "")


def actor_of(request: HttpRequest, kind: str) -> Actor:
    """Who opens or clicks, as far as the request itself tells."""
    return machines.of_request(
        kind,
        method=request.method or "",
        user_agent=user_agent(request),
        address=client_ip(request),
        purpose=" ".join(request.headers.get(name, "") for name in PURPOSE),
    )


def keep_look(request: HttpRequest, message: Message) -> None:
    """Stores that a page of the mail was asked for: a scanner follows all links of a mail."""
    match = request.resolver_match
    page = PAGES.get(match.url_name or "") if match else None
    if page and request.method != "POST" and message.mailing.details_dropped_at is None:
        hits.keep(message.pk, LOOKED, link=page)


def message_of(token: str) -> Message | None:
    """The message whose token it is."""
    message_id = tokens.read(token)
    return mails.find(message_id) if message_id else None


def nothing(request: HttpRequest, token: str) -> HttpResponse:
    """The page for a link of a test mail, or a 404 for any other token without a message."""
    if tokens.read(token) == NOBODY:
        return readers.page(request, "public/test.html")
    return readers.page(request, "public/missing.html", status=404)


def page_of(
    request: HttpRequest,
    message: Message,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    """A page about this message, in its recipient's language."""
    language = reading.language_of(message)
    return readers.page(
        request,
        template,
        {"brand": message.mailing.workspace, **(context or {})},
        known=language.known,
        otherwise=language.otherwise,
        status=status,
    )


def posting(view: readers.View) -> readers.View:
    """A public page with a form. Its POST needs no cookie: the secret of its address is the
    proof."""
    only = csp.only(
        style_src=[csp.SELF],
        img_src=ICON,
        form_action=[csp.SELF],
        frame_ancestors=[csp.NONE],
    )
    methods = require_http_methods(["GET", "HEAD", "POST"])
    made: readers.View = private(csrf_exempt(methods(only(view))))
    return made


@posting
def nowhere(request: HttpRequest, rest: str = "") -> HttpResponse:
    """The page for any other address among those of mails."""
    return readers.page(request, "public/missing.html", status=404)


def for_recipient(view: Callable[[HttpRequest, Message], HttpResponse]) -> readers.View:
    """Such a page for the recipient of a mail, whose token is in the address."""

    @wraps(view)
    def inside(request: HttpRequest, token: str) -> HttpResponse:
        message = message_of(token)
        if message is None:
            return nothing(request, token)
        if not message.address:
            return page_of(request, message, "public/forgotten.html")
        keep_look(request, message)
        return view(request, message)

    return posting(inside)


@for_recipient
def unsubscribe(request: HttpRequest, message: Message) -> HttpResponse:
    """A POST unsubscribes at once, without a cookie or a confirmation (RFC 8058); a GET asks."""
    if request.method == "POST":
        return _act(request, message)
    return _show(request, message)


def _act(request: HttpRequest, message: Message) -> HttpResponse:
    action = _posted(request, "action")
    if action == "because":
        return _say_why(request, message)
    if action == "undo":
        leaving.undo(message)
        return redirect(readers.keeping(request, request.path, undone="1"))
    leaving.leave(message, everything=action == "everything", user_agent=user_agent(request))
    # A person's form leads to the page; a provider's POST needs only a 200.
    back = readers.keeping(request, request.path)
    return redirect(back) if action else _show(request, message)


def _say_why(request: HttpRequest, message: Message) -> HttpResponse:
    form = request.POST
    said = preferences.say_why(message, form.get("because", ""), form.get("words", ""))
    given = {"thanks": "1"} if said else {}
    return redirect(readers.keeping(request, request.path, **given))


def write_to(message: Message) -> str:
    """The address for requests that a page can't fulfil."""
    return message.mailing.reply_to or message.mailing.from_email


def _posted(request: HttpRequest, name: str) -> str:
    """A field of the form; "" for a body that is none. A mail provider may send any body to the URL
    for unsubscribing, which alone says what to do."""
    try:
        return request.POST.get(name, "")
    except (MultiPartParserError, SuspiciousOperation, BadRequest):
        return ""


def _show(request: HttpRequest, message: Message) -> HttpResponse:
    context = {
        "address": message.address,
        "domain": message.address.rpartition("@")[2],
        "recipient": leaving.status_of(message),
        "write_to": write_to(message),
        "preferences": preferences_url(request, message),
        "opens_url": opens_url(request, message),
        "asks_why": leaving.has_left(message) and "thanks" not in request.GET,
        "reasons": REASONS,
    }
    return page_of(request, message, "public/unsubscribe.html", context)


@for_recipient
def open_counting(request: HttpRequest, message: Message) -> HttpResponse:
    """Says whether opens of this person are counted. Only a POST changes it."""
    if request.method == "POST":
        answer = _posted(request, "answer")
        if answer not in {opens.GIVE, opens.WITHDRAW}:
            return redirect(readers.keeping(request, request.path))
        opens.answer(message, answer, reader=reader_of(request, message), ip=client_ip(request))
        return redirect(readers.keeping(request, request.path, saved="1"))
    context = {"address": message.address} | opens_context(request, message)
    return page_of(request, message, "public/opens.html", context)


def reader_of(request: HttpRequest, message: Message) -> str:
    """The language in which the page is shown."""
    language = reading.language_of(message)
    return readers.of_request(request, known=language.known, otherwise=language.otherwise)


def opens_context(request: HttpRequest, message: Message) -> dict[str, Any]:
    """What public/parts/opens.html needs, on any page for the recipient of the message."""
    return {
        "opens": opens.status_of(message),
        "opens_url": opens_url(request, message),
        "preferences": preferences_url(request, message),
    }


def opens_url(request: HttpRequest, message: Message) -> str:
    url = reverse("public_open_counting", args=[tokens.make(message.pk)])
    return readers.keeping(request, url)


def preferences_url(request: HttpRequest, message: Message) -> str:
    url = reverse("public_preferences", args=[tokens.make(message.pk)])
    return readers.keeping(request, url)


@private
@require_safe
@csp.only(
    img_src=["https:", "data:"],
    # SELF is for pages shown in place of the mail.
    style_src=[csp.SELF, "'unsafe-inline'"],
    form_action=[csp.NONE],
    frame_ancestors=[csp.NONE],
    base_uri=[csp.NONE],
    # The mail's markup is served from our origin: no script and no form; links may open.
    sandbox=["allow-popups", "allow-popups-to-escape-sandbox"],
)
def view_mail(request: HttpRequest, token: str) -> HttpResponse:
    """The mail in the browser."""
    message = message_of(token)
    if message is None:
        return nothing(request, token)
    keep_look(request, message)
    try:
        with within(LONGEST_WORK):
            mail = mails.rendered(message)
    except TimeUpError:
        answer = page_of(request, message, "public/unshown.html", {"busy": True}, status=503)
        answer["Retry-After"] = str(database.RETRY_AFTER)
        return answer
    except RenderError:
        return page_of(request, message, "public/unshown.html", status=404)
    if mail.html.strip():
        return HttpResponse(mail.html)
    return HttpResponse(mail.text, content_type="text/plain; charset=utf-8")


@private
@require_safe
def open_pixel(request: HttpRequest, token: str) -> HttpResponse:
    """Returns the same picture for every token, so that nobody can test tokens."""
    message_id = tokens.read(token)
    if not message_id:
        return _picture(request, None)
    kind = Event.Kind.OPENED
    return _picture(
        request, partial(hits.keep, message_id, kind, actor=actor_of(request, kind)), heads=True
    )


@private
@require_safe
def common_pixel(request: HttpRequest, token: str) -> HttpResponse:
    """The pixel that all mails of a mailing share. Nothing about the request is stored."""
    mailing_id = tokens.read_total(token)
    return _picture(request, partial(hits.keep_picture, mailing_id) if mailing_id else None)


def _picture(
    request: HttpRequest, keep: Callable[[], None] | None, *, heads: bool = False
) -> HttpResponse:
    """`heads`: a HEAD is kept, too. It is a machine's."""
    answer = HttpResponse(PIXEL, content_type="image/gif")
    if keep and (heads or request.method == "GET"):
        try:
            keep()
        except DatabaseError as error:
            if not database.is_away(error):
                raise
            # The picture comes with a 503, so that an image proxy may fetch it again later.
            answer.status_code = 503
            answer["Retry-After"] = str(database.RETRY_AFTER)
    return answer


@private
@require_safe
@csp.only(style_src=[csp.SELF], img_src=ICON, frame_ancestors=[csp.NONE])
def click(request: HttpRequest, token: str, number: int, signed: str = "") -> HttpResponse:
    """Redirects to link `number` of this mail's content, and nowhere else. `signed`: the variable
    part of a personal link as it was in the mail; mails of earlier versions lack it."""
    message = message_of(token)
    if message is None:
        return nothing(request, token)
    url = mails.target(message, number, signed=signed)
    if url is None:
        return page_of(request, message, "public/missing.html", status=404)
    if message.mailing.details_dropped_at is None:
        kind = Event.Kind.CLICKED
        hits.keep(message.pk, kind, link=number, actor=actor_of(request, kind))
    return HttpResponseRedirect(url)
