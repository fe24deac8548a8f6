"""Public pages of forms. They need no log-in and no cookie; the form works without scripts. Only a
POST changes anything: scanners follow every link by GET and HEAD.

The POSTs have no CSRF token, because foreign pages have the form, too: they act for nobody who is
logged in, and read no cookie.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from pages import csp, readers
from pages.numbers import whole
from pages.readers import ICON, PARAMETER, private
from signups import links, publicfields, throttles
from signups.models import Signup, SignupForm
from signups.services import confirming, forms
from signups.services.confirming import Answer
from signups.views import incoming, script
from signups.views.incoming import Sent

# More than a form with 30 texts of 1,000 characters.
LONGEST_BODY = 256 * 1024
JSON = "application/json"


def _find(key: str) -> SignupForm | None:
    known = SignupForm.objects.select_related("workspace", "relay", "pool")
    return known.filter(key=key, workspace__deleted_at=None).first()


def _reader(request: HttpRequest, known: str = "") -> str:
    """What the reader chose on the page, else the `known` language, else the browser's."""
    return readers.of_request(request, known=[known])


def _page(
    request: HttpRequest,
    name: str,
    *,
    reader: str,
    status: int = 200,
    actions: Sequence[str] = (csp.SELF,),
    **context: object,
) -> HttpResponse:
    template = f"public/{name}.html"
    found = readers.page(request, template, context, known=[reader], status=status)
    # Browsers also compare the page that a form is redirected to with `form-action`.
    policy: csp.Directives = {
        "default_src": (csp.NONE,),
        "style_src": (csp.SELF,),
        "script_src": (csp.SELF,),
        "img_src": ICON,
        "form_action": actions,
        "frame_ancestors": (csp.NONE,),
        "base_uri": (csp.NONE,),
    }
    found.csp_directives = policy  # type: ignore[attr-defined]  # read by pages.csp
    return found


@private
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest, key: str) -> HttpResponse:
    """The page of a form, and where forms in foreign pages are sent to."""
    for_script = request.method == "POST" and JSON in request.headers.get("Accept", "")
    answer = _signup(request, key, for_script=for_script)
    if for_script:
        # Any page may have the form. No cookie is sent along, and none is read.
        answer["Access-Control-Allow-Origin"] = "*"
    return answer


def _signup(request: HttpRequest, key: str, *, for_script: bool) -> HttpResponse:
    form = _find(key)
    reader = _reader(request, form.language if form else "")
    closed = form is None or forms.closed_because(form)
    if form is None or closed:
        if for_script:
            said = publicfields.words(reader, "closed_title")
            return JsonResponse({"state": "errors", "text": said, "errors": {}}, status=404)
        brand = form.workspace if form else None
        return _page(request, "signup_closed", reader=reader, status=404, brand=brand)
    if request.method != "POST":
        shown = incoming.open_form(form, reader)
        return _form_page(request, form, shown, done=request.GET.get("done") == "1")
    return _take(request, form, reader, for_script=for_script)


def _take(request: HttpRequest, form: SignupForm, reader: str, *, for_script: bool) -> HttpResponse:
    if (whole(request.META.get("CONTENT_LENGTH") or "0") or 0) > LONGEST_BODY:
        return HttpResponse(status=413)
    sent = incoming.take(request, form, reader, for_script=for_script)
    if for_script:
        return JsonResponse(sent.as_json(form.redirect_url), status=sent.status)
    if sent.done:
        # With a GET: reloading the page sends nothing again.
        own = f"{reverse('signup', kwargs={'key': form.key})}?done=1&{PARAMETER}={reader}"
        return HttpResponseRedirect(form.redirect_url or own, status=303)
    return _form_page(request, form, sent, status=sent.status)


def _form_page(
    request: HttpRequest, form: SignupForm, shown: Sent, *, done: bool = False, status: int = 200
) -> HttpResponse:
    place = urlsplit(form.redirect_url)
    elsewhere = [f"{place.scheme}://{place.netloc}"] if form.redirect_url else []
    return _page(
        request,
        "signup",
        reader=shown.texts.reader,
        status=status,
        actions=[csp.SELF, *elsewhere],
        brand=form.workspace,
        signup=shown,
        done=done,
    )


@private
@require_safe
def signup_script(request: HttpRequest, key: str) -> HttpResponse:
    """The script that builds the form in a foreign page."""
    form = _find(key)
    if form is None or forms.closed_because(form):
        # Nothing appears in the foreign page.
        return HttpResponse("", content_type=script.TYPE)
    shown = incoming.open_form(form, _reader(request, form.language))
    answer = HttpResponse(script.made(form, shown), content_type=script.TYPE)
    # A page that isolates itself (COEP) may load it, too.
    answer["Cross-Origin-Resource-Policy"] = "cross-origin"
    return answer


@private
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind the link of a confirmation mail: a GET asks, a POST confirms."""
    number = links.read(token)
    known = Signup.objects.select_related("form", "workspace")
    found = known.filter(pk=number, workspace__deleted_at=None).first() if number else None
    if found is None:
        reader = _reader(request)
        return _page(request, "signup_unknown", reader=reader, status=404)
    if request.method == "POST":
        if not throttles.take_confirmation(request):
            text = publicfields.words(_reader(request, found.language), "too_many")
            return _confirm_page(request, found, "wait", text=text, status=429)
        return _act(request, found)
    settled = confirming.settled_as(found)
    state = settled.value if settled else "ask"
    if request.GET.get("sent") == "1" and settled in {None, Answer.EXPIRED}:
        state = "sent"
    return _confirm_page(request, found, state)


def _act(request: HttpRequest, found: Signup) -> HttpResponse:
    if request.POST.get("action") == "again":
        # The answer is the same if the form is closed or a limit was reached.
        if confirming.has_expired(found) and not forms.closed_because(found.form):
            confirming.ask_again(found.pk)
        return redirect(f"{request.path}?sent=1&{PARAMETER}={_reader(request, found.language)}")
    found, answer = confirming.confirm(found.pk, ip=throttles.client_ip(request))
    if answer is Answer.DONE:
        return redirect(request.get_full_path())
    return _confirm_page(request, found, answer.value)


def _confirm_page(
    request: HttpRequest, found: Signup, state: str, *, text: str = "", status: int = 200
) -> HttpResponse:
    own = found.form.lists.filter(pk__in=found.list_ids).order_by("name")
    return _page(
        request,
        "signup_confirm",
        reader=_reader(request, found.language),
        status=status,
        brand=found.workspace,
        signup=found,
        lists=list(own),
        state=state,
        text=text,
    )
