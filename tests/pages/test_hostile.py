"""Values that no page can use, for whatever a URL of the site takes: never an error of ours."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from urllib.parse import quote, urlencode

import pytest
from django.core import signing
from django.db import models, transaction
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import User, Workspace
from config.wsgi import application
from contacts.models import Contact
from pages.tables import limit_counts
from tests.urls import address, arguments, every_url, recorded

pytestmark = pytest.mark.django_db
# The import of config.wsgi has set a limit, which other tests of this process don't expect.
limit_counts(0)

# More digits than Python reads, more than an id has, and one more than the largest id.
LONG, MANY, ABOVE = "9" * 5000, "9" * 4000, str(2**63)
HOSTILE = ("a\x00b", LONG, MANY, ABOVE, "¹")
# Without what is 503 while there is no broker, and reads nothing.
URLS = {name: one for name, one in every_url().items() if name != "healthz"}
# A relay or mailbox that is typed there is connected to.
CONNECTS = {"try_relay", "try_new_mailbox", "test_relay", "try_mailbox", "design_test"}


@pytest.fixture
def client(owner_client: Client) -> Client:
    """Answers as in production: what a view raises becomes a 500."""
    owner_client.raise_request_exception = False
    return owner_client


@contextmanager
def taken_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def status_of(client: Client, method: str, url: str, form: Mapping[str, str]) -> int:
    with taken_back():
        if method == "get":
            answer = client.get(f"{url}?{urlencode(form)}" if form else url)
        else:
            answer = client.post(f"{url}?{urlencode(form)}" if form else url, form)
        if answer.streaming:
            answer.getvalue()
        return answer.status_code


def test_what_is_there_can_be_opened(client: Client, made: dict[str, models.Model]) -> None:
    """Else the rest of this file tests nothing."""
    statuses = {
        name: status_of(client, "get", address(pattern, arguments(pattern, made)), {})
        for name, pattern in URLS.items()
    }
    assert [name for name, status in statuses.items() if status >= 500] == []
    assert list(statuses.values()).count(200) > len(URLS) / 3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_argument_of_a_path_is_an_error(client: Client, made: dict[str, models.Model]) -> None:
    for name, pattern in URLS.items():
        for argument in pattern.pattern.converters:
            for value in ("\x00", LONG, MANY, ABOVE):
                values = arguments(pattern, made) | {argument: quote(value)}
                for method in ("get", "post"):
                    status = status_of(client, method, address(pattern, values), {})
                    assert status < 500, (name, argument, method)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("method", ["get", "post"])
def test_no_parameter_or_field_is_an_error(
    client: Client,
    made: dict[str, models.Model],
    method: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each name that a view reads, alone and together with all others."""
    for name, pattern in URLS.items():
        url = address(pattern, arguments(pattern, made))
        names = _read(client, method, url, monkeypatch)
        for value in HOSTILE:
            forms = [{one: value} for one in names] + [dict.fromkeys(names, value)]
            for form in forms if name not in CONNECTS else forms[-1:]:
                status = status_of(client, method, url, form)
                assert status < 500, (name, method, sorted(form), value[:20])


def _read(client: Client, method: str, url: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the view reads, also what it reads only after it found something else."""
    names: set[str] = set()
    for _round in range(3):
        with recorded(monkeypatch) as read:
            status_of(client, method, url, dict.fromkeys(names, "1"))
        if read <= names:
            break
        names |= read
    return sorted(names - {"csrfmiddlewaretoken"})


ACTIONS = ("add", "remove", "suppress", "delete")


@pytest.mark.parametrize("query", ["q=%00", f"list={LONG}", f"import={LONG}", "a=1&" * 2000])
@pytest.mark.parametrize("action", ACTIONS)
def test_a_query_inside_of_a_form(
    client: Client, made: dict[str, models.Model], action: str, query: str
) -> None:
    form = {"action": action, "all": "1", "query": query, "list": str(made["List"].pk)}
    assert status_of(client, "post", "/w/brand/contacts/bulk/", form) < 500


def test_a_nul_that_was_pasted_is_left_out(client: Client, workspace: Workspace) -> None:
    answer = client.post("/w/brand/lists/new/", {"name": "Ne\x00ws"})
    assert answer.status_code == 302
    assert [one.name for one in workspace.lists.all()] == ["News"]


def test_the_page_of_a_nul_says_so_in_the_persons_language(client: Client, owner: User) -> None:
    User.objects.update(language="zh-hans")
    answer = client.get("/w/brand/contacts/?q=%00")
    assert answer.status_code == 400
    assert 'lang="zh-hans"' in answer.content.decode().lower()


def test_the_page_of_a_nul_leads_to_the_page_without_it(client: Client, owner: User) -> None:
    answer = client.get("/w/brand/contacts/?q=a%00b&sort=%00email")
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "written as %00" in page
    assert 'href="/w/brand/contacts/?q=ab&amp;sort=email"' in page
    assert client.get("/w/brand/contacts/?q=ab&sort=email").status_code == 200


@pytest.mark.parametrize("value", ['"\\000abcdefgh"', LONG, "\x00" * 9, '"\\303\\050"'])
@pytest.mark.parametrize("name", ["sessionid", "csrftoken", "django_language", "messages", "x"])
def test_no_cookie_is_an_error(client: Client, name: str, value: str) -> None:
    answer = Client(raise_request_exception=False).get(
        "/login/", headers={"Cookie": f"{name}={value}"}
    )
    assert answer.status_code == 200


HEADERS = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Length",
    "Content-Type",
    "HX-Current-URL",
    "HX-Request",
    "HX-Target",
    "HX-Trigger",
    "Host",
    "If-Modified-Since",
    "If-None-Match",
    "Origin",
    "Range",
    "Referer",
    "User-Agent",
    "X-CSRFToken",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Proto",
    "X-Requested-With",
)


@pytest.mark.parametrize("proxies", [0, 1])
@pytest.mark.parametrize("header", HEADERS)
def test_no_header_is_an_error(
    client: Client, header: str, proxies: int, settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = proxies
    for value in (*HOSTILE[:2], "bytes=0-" + LONG, ",", "http://[", "a/b; charset=hex"):
        for method in (client.get, client.post):
            for url in ("/w/brand/lists/new/", "/login/"):
                answer = method(url, headers={header: value})
                assert answer.status_code < 500, (header, value[:20], url)


@pytest.mark.parametrize(
    "charset", ["hex", "utf-16", "unicode_escape", "zip", "idna", "\x00", '"hex"', "a;charset*=hex"]
)
@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=b"])
def test_no_charset_is_an_error(kind: str, charset: str) -> None:
    """Through WSGI: Django's client would not send it."""
    body = b'--b\r\nContent-Disposition: form-data; name="login"\r\n\r\n\\u0000\r\n--b--\r\n'
    environ = {
        **RequestFactory().post("/login/?q=\\u0000").environ,
        "CONTENT_TYPE": f"{kind}; charset={charset}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    statuses: list[str] = []
    answer = application(environ, lambda status, _headers: statuses.append(status))
    b"".join(answer)
    assert statuses == ["403 Forbidden"]


BODIES = (
    "[" * 9000,
    '{"name": "a", "size": 1e400}',
    '{"name": "a", "size": NaN}',
    f'{{"name": "a", "size": {LONG}}}',
    f'{{"name": "a", "size": {MANY}}}',
    '{"name": "a", "size": -1}',
    json.dumps({"name": "a\x00b", "size": 1}),
    '{"name": "\\ud800", "size": 1}',
    '{"name": {"a": [1]}, "size": 1}',
    "\x00",
    "null",
    "",
)


@pytest.mark.parametrize("body", BODIES)
def test_no_body_of_json_is_an_error(client: Client, body: str) -> None:
    answer = client.post("/w/brand/imports/begin/", body, content_type="application/json")
    assert answer.status_code < 500


def test_a_cursor_of_another_table_begins_at_the_first_page(
    client: Client, workspace: Workspace
) -> None:
    """Both tables sort by names; the other's are dates here."""
    Contact.objects.bulk_create(
        Contact(workspace=workspace, email=f"{n}@x.example") for n in range(60)
    )
    for value in (["-added", "", "no date", 1], ["-added", "datetime", "2026-01-01T00:00:00", 1]):
        cursor = signing.dumps(value, salt="pages.tables")
        answer = client.get("/w/brand/contacts/", {"sort": "-added", "after": cursor})
        assert answer.status_code == 200


def test_files_are_not_looked_for_under_a_hostile_name(client: Client) -> None:
    for name in ("%00", "a%00.js", LONG[:3000], "..%2f..%2fetc%2fpasswd"):
        assert client.get(f"/static/{name}").status_code in {400, 404}
