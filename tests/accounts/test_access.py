"""Every URL of the site: who reaches it and who doesn't, whatever app it is of."""

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse

from accounts.models import User, Workspace
from accounts.permissions import ALLOWED, Role, allows
from tests.browser.walk import patterns, workspace_urls

pytestmark = pytest.mark.django_db

# URLs that anybody reaches; each for a reason.
PUBLIC = {
    "switch_language": "the language of pages without log-in, too",
    "setup": "a signed link, only as long as there is no account",
    "account_login": "the way in",
    "account_logout": "the way out, by POST",
    "account_reset_password": "throttled; never says whether an account exists",
    "account_reset_password_done": "says what happens next",
    "account_reset_password_from_key": "a signed link by mail",
    "invitation": "a secret link by mail",
    "public_unsubscribe": "a signed link in a mail",
    "public_view": "a signed link in a mail",
    "public_open": "a signed link in a mail",
    "public_open_counting": "a signed link in a mail",
    "public_total": "a signed link in a mail",
    "public_preferences": "a signed link in a mail",
    "public_confirm_address": "a secret link by mail",
    "public_click": "a signed link in a mail",
    "public_personal_click": "a signed link in a mail",
    "public_nothing": "a link in a mail that was broken on its way; says so, whatever it is",
    "public_nowhere": "the same",
    "signup": "a form for anybody; throttled",
    "signup_script": "the same for foreign pages",
    "confirm_signup": "a signed link in a mail",
}
# URLs outside of a workspace that want somebody logged in, with what else they take.
PERSONAL: dict[str, dict[str, int]] = {
    "start": {},
    "profile": {},
    "change_password": {},
    "new_workspace": {},
    "platform_mails": {},
    "platform_mail": {"pk": 1},
    "platform_frame": {"pk": 1},
    "installation_suppressions": {},
    "add_installation_suppressions": {},
    "lift_installation_suppression": {"pk": 1},
    "undo_installation_suppressions": {},
    "export_installation_suppressions": {},
}

# Values that no object has.
MISSING = {"int": 2_000_000_000, "slug": "missing", "str": "missing", "path": "missing"}
UUID = "00000000-0000-4000-8000-000000000000"
PATTERNS = {str(pattern.name): pattern for pattern in workspace_urls()}
METHODS = ("get", "post")


def arguments(pattern: URLPattern) -> dict[str, object]:
    """The workspace "brand" and, for what else the URL takes, objects that don't exist."""
    made: dict[str, object] = {"slug": "brand"}
    for name, converter in pattern.pattern.converters.items():
        if name != "slug":
            kind = type(converter).__name__.removesuffix("Converter").lower()
            made[name] = UUID if kind == "uuid" else MISSING.get(kind, MISSING["str"])
    return made


def url_of(name: str) -> str:
    return reverse(name, kwargs=arguments(PATTERNS[name]))


def everything() -> Iterator[tuple[str, str, str]]:
    for name in sorted(PATTERNS):
        for method in METHODS:
            yield name, method, url_of(name)


@pytest.fixture
def as_role(workspace: Workspace, make_member: Callable[..., User]) -> Callable[[Role], Client]:
    def as_role(role: Role) -> Client:
        client = Client()
        client.force_login(make_member(workspace, role))
        return client

    return as_role


def test_there_are_urls() -> None:
    assert len(PATTERNS) > 40
    assert {"members", "contacts", "workspace_settings"} <= set(PATTERNS)


def test_nobody_is_sent_to_the_log_in(workspace: Workspace) -> None:
    client = Client()
    for name, method, url in everything():
        answer = getattr(client, method)(url)
        assert answer.status_code == 302, (name, method)
        assert answer.headers["Location"].startswith("/login/?next="), (name, method)


@pytest.mark.parametrize(
    ("referer", "then"),
    [
        ("http://testserver/w/brand/lists/?q=a", "/w/brand/lists/?q=a"),
        ("http://testserver.evil.example/w/brand/", "/"),
        ("http://evil.example/http://testserver/w/brand/", "/"),
        ("http://testserver//evil.example/", "/"),
        ("", "/"),
    ],
)
def test_after_the_log_in_comes_the_page_of_the_form(
    client: Client, workspace: Workspace, referer: str, then: str
) -> None:
    answer = client.post("/w/brand/contacts/bulk/", headers={"Referer": referer})
    assert answer["Location"] == f"/login/?{urlencode({'next': then}, safe='/')}"


def test_a_stranger_finds_nothing(workspace: Workspace, stranger_client: Client) -> None:
    for name, method, url in everything():
        assert getattr(stranger_client, method)(url).status_code == 404, (name, method)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_that_may_not_is_refused(role: Role, as_role: Callable[[Role], Client]) -> None:
    client = as_role(role)
    for name, method, url in everything():
        callback = PATTERNS[name].callback
        if not allows(role, callback.permission):  # type: ignore[attr-defined]
            assert getattr(client, method)(url).status_code == 403, (name, method)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_that_may_is_let_in(role: Role, as_role: Callable[[Role], Client]) -> None:
    """GETs of what takes no further arguments: never "not allowed", and never our own mistake."""
    client = as_role(role)
    for name, pattern in sorted(PATTERNS.items()):
        permission = pattern.callback.permission  # type: ignore[attr-defined]
        if set(pattern.pattern.converters) == {"slug"} and allows(role, permission):
            assert client.get(url_of(name)).status_code in {200, 302, 400, 404, 405}, name


def test_objects_that_do_not_exist_are_not_found(as_role: Callable[[Role], Client]) -> None:
    client = as_role(Role.OWNER)
    for name, method, url in everything():
        if set(PATTERNS[name].pattern.converters) != {"slug"}:
            # 405: it takes only the other method.
            assert getattr(client, method)(url).status_code in {404, 405}, (name, method)


def test_each_permission_is_asked_for_somewhere_and_an_owner_has_all() -> None:
    for pattern in PATTERNS.values():
        assert pattern.callback.permission in ALLOWED[Role.OWNER]  # type: ignore[attr-defined]


def test_every_url_outside_of_workspaces_is_meant_to_be() -> None:
    outside = {
        str(pattern.name)
        for pattern in patterns(get_resolver())
        if not hasattr(pattern.callback, "permission")
    }
    assert outside == PUBLIC.keys() | PERSONAL.keys()


@pytest.mark.parametrize("name", sorted(PERSONAL))
@pytest.mark.parametrize("method", METHODS)
def test_personal_urls_want_a_log_in(name: str, method: str) -> None:
    url = reverse(name, kwargs=PERSONAL[name])
    answer = getattr(Client(), method)(url)
    assert answer.status_code in ({302} if method == "get" else {302, 405})
    if answer.status_code != 405:  # it takes only the other method
        assert answer.headers["Location"] == f"/login/?next={url}"
