"""Nothing private stays in a cache or in the log."""

import io
import logging
from collections.abc import Iterator, Mapping

import pytest
from django.core import signing
from django.db import models
from django.test import Client
from pytest_django import Settings

from accounts.models import User, Workspace
from pages import bundles
from tests.pages.test_hostile import taken_back
from tests.urls import address, arguments, every_url

pytestmark = pytest.mark.django_db
SECRET = "s3cr3t-0123456789abcdef-0123456789abcdef"
# Converters whose value is a secret, by their name.
SECRETS = {"token", "signed", "key", "uidb36"}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What goes to standard error."""
    handler = next(
        one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler
    )
    stream = io.StringIO()
    before = handler.setStream(stream)
    yield stream
    if before is not None:
        handler.setStream(before)


def lines(logged: io.StringIO) -> list[str]:
    return [line for line in logged.getvalue().splitlines() if line]


def directives(answer: object) -> set[str]:
    header: str = answer.headers.get("Cache-Control", "")  # type: ignore[attr-defined]
    return {one.strip() for one in header.split(",")}


def test_no_cache_keeps_what_any_url_answers(
    owner_client: Client, made: Mapping[str, models.Model]
) -> None:
    owner_client.raise_request_exception = False
    statuses = set()
    for name, pattern in every_url().items():
        url = address(pattern, arguments(pattern, made))
        for method in (owner_client.get, owner_client.post):
            for more in ({}, {"HX-Request": "true"}):
                with taken_back():
                    answer = method(url, headers=more)
                    statuses.add(answer.status_code)
                    assert {"private", "no-store"} <= directives(answer), (name, answer)
    assert statuses >= {200, 302, 404, 405}


def test_no_cache_keeps_errors(
    owner_client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner_client.raise_request_exception = False
    monkeypatch.setattr("pages.search.find", lambda *_: 1 // 0)
    for url, status in (("/x", 404), ("/w/brand/lists/?q=%00", 400), ("/w/brand/search/?q=a", 500)):
        answer = owner_client.get(url)
        assert answer.status_code == status
        assert {"private", "no-store"} <= directives(answer)
    settings.ALLOWED_HOSTS = ["yanshu.example"]
    answer = owner_client.get("/login/")
    assert answer.status_code == 400
    assert {"private", "no-store"} <= directives(answer)


def test_built_files_keep_their_long_cache(client: Client) -> None:
    answer = client.get(f"/static/{bundles.bundle('app.js')['js']}")
    answer.close()
    assert "immutable" in directives(answer)
    assert "no-store" not in directives(answer)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_refusal_is_one_line_without_secrets(
    logged: io.StringIO, owner_client: Client, made: Mapping[str, models.Model], method: str
) -> None:
    """Of every URL, with a secret in its path, its query, its form and its referrer."""
    for pattern in every_url().values():
        values = arguments(pattern, made)
        if "pk" in values:
            values["pk"] = "999999999"
        values |= dict.fromkeys(SECRETS & values.keys(), SECRET)
        url = f"{address(pattern, values)}?token={SECRET}&q={SECRET}"
        logged.truncate(0)
        with taken_back():
            answer = getattr(owner_client, method)(
                url,
                **({"data": {"name": SECRET, "password": SECRET}} if method == "post" else {}),
                headers={"Referer": f"https://evil.example/{SECRET}", "Origin": "null"},
            )
        if 400 <= answer.status_code < 500:
            assert SECRET not in logged.getvalue()
            assert "Traceback" not in logged.getvalue()
            found = [line for line in lines(logged) if f" status={answer.status_code} " in line]
            assert len(found) == 1, (url, lines(logged))


def test_refusals_of_all_kinds_are_one_line_each(
    logged: io.StringIO, owner: User, settings: Settings
) -> None:
    strict = Client(enforce_csrf_checks=True)
    settings.ALLOWED_HOSTS = ["testserver"]
    answers = [
        strict.post("/login/", headers={"Referer": f"https://evil.example/{SECRET}"}),
        strict.get(f"/e/u/{SECRET}"),
        strict.get(f"/invitations/{SECRET}/"),
        strict.get(f"/invitations/{SECRET}"),
        strict.get(f"/nowhere/{SECRET}?x={SECRET}"),
        strict.get("/login/", headers={"Host": f"{SECRET}.example"}),
        strict.get("/login/?q=%00"),
        strict.post("/language/"),
    ]
    refused = [one for one in answers if one.status_code >= 400]
    assert len(refused) >= 6
    assert len(lines(logged)) == len(refused), logged.getvalue()
    # The number that the page shows.
    for one in refused:
        assert f" request={one.headers['X-Request-Id']}" in logged.getvalue()
    assert SECRET not in logged.getvalue()
    assert all(" WARNING " in line or " ERROR " in line for line in lines(logged))


def test_a_line_names_user_and_workspace(
    logged: io.StringIO, owner_client: Client, owner: User, workspace: Workspace
) -> None:
    owner_client.get("/w/brand/relays/999999999/")
    (line,) = lines(logged)
    assert f" user={owner.pk} workspace={workspace.pk}" in line
    assert " status=404 method=GET path=/w/brand/relays/999999999/ " in line


def test_a_path_with_line_breaks_is_one_line(logged: io.StringIO) -> None:
    Client().get("/a%0AERROR%20forged%0D%E2%80%A8b")
    assert len(lines(logged)) == 1


def test_an_error_of_ours_keeps_its_traceback_but_no_secret_of_its_path(
    logged: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.services.invitations.find", lambda _token: 1 // 0)
    Client(raise_request_exception=False).get(f"/invitations/{SECRET}/")
    assert "ZeroDivisionError" in logged.getvalue()
    assert SECRET not in logged.getvalue()


def test_a_token_that_is_no_longer_valid_is_one_line(
    logged: io.StringIO, owner_client: Client
) -> None:
    token = signing.dumps(["x"], salt="another")
    assert owner_client.post(f"/w/brand/contacts/undo/?token={token}").status_code == 400
    assert len(lines(logged)) == 1
    assert token not in logged.getvalue()
