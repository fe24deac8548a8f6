"""The frame around every page."""

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import User, Workspace
from accounts.permissions import Role
from contacts.models import List

pytestmark = pytest.mark.usefixtures("sample_site")


def test_page_in_the_shell(owner_client: Client, workspace: Workspace) -> None:
    page = owner_client.get("/w/brand/sample/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "<title>Sample · Brand</title>" in text
    assert "<h1>Sample</h1>" in text
    assert "1,234,567" in text
    assert "33.3%" in text


def test_crumbs_lead_back(owner_client: Client, workspace: Workspace) -> None:
    customers = List.objects.create(workspace=workspace, name="A & B")
    page = owner_client.get(f"/w/brand/lists/{customers.pk}/edit/").content.decode()
    crumbs = page.partition('<nav class="crumbs" aria-label="Path">')[2].partition("</nav>")[0]
    assert re.findall(r'<a href="(.*)">(.*)</a>', crumbs) == [
        ("/w/brand/lists/", "Lists"),
        (f"/w/brand/lists/{customers.pk}/", "A &amp; B"),
    ]
    assert '<span aria-current="page">Edit</span>' in crumbs


def test_a_page_without_actions_has_an_empty_element(
    client: Client, workspace: Workspace, make_member: Callable[..., User]
) -> None:
    """The style sheet hides it by `:empty`, and one blank would make it a gap."""
    client.force_login(make_member(workspace, Role.VIEWER))
    page = client.get("/w/brand/campaigns/").content.decode()
    assert '<div class="actions"></div>' in page


def test_strict_csp_on_every_page(owner_client: Client, workspace: Workspace) -> None:
    page = owner_client.get("/w/brand/sample/")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["X-Frame-Options"] == "DENY"


def test_view_with_a_policy_of_its_own(client: Client, db: None) -> None:
    page = client.get("/preview/")
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src *; style-src 'unsafe-inline'; ")
    assert policy.endswith("frame-ancestors 'self'; sandbox")
    assert "X-Frame-Options" not in page.headers


def test_toasts_of_an_htmx_answer(owner_client: Client, workspace: Workspace) -> None:
    answer = owner_client.get("/w/brand/undoable/", headers={"HX-Request": "true"})
    trigger = json.loads(answer.headers["HX-Trigger"])
    assert trigger == {"toasts": [{"level": "success", "text": "Deleted.", "undo": "/undo/"}]}


def test_undo_is_a_form_on_the_next_page(owner_client: Client, workspace: Workspace) -> None:
    owner_client.get("/w/brand/undoable/")
    text = owner_client.get("/w/brand/sample/").content.decode()
    assert '<form method="post" action="/undo/">' in text


def test_own_language_wins_over_cookie_and_browser(
    owner_client: Client, owner: User, workspace: Workspace
) -> None:
    headers = {"Accept-Language": "zh-CN,zh;q=0.9"}
    page = owner_client.get("/w/brand/sample/", headers=headers)
    assert page.headers["Content-Language"] == "zh-hans"
    owner_client.cookies["django_language"] = "en"
    page = owner_client.get("/w/brand/sample/", headers=headers)
    assert page.headers["Content-Language"] == "en"
    owner.language = "zh-hans"
    owner.save()
    page = owner_client.get("/w/brand/sample/", headers=headers)
    assert page.headers["Content-Language"] == "zh-hans"
    assert 'lang="zh-hans"' in page.content.decode()


def test_switch_keeps_the_language(owner_client: Client, owner: User) -> None:
    answer = owner_client.post("/language/", {"language": "zh-hans", "next": "/w/brand/sample/"})
    assert answer.headers["Location"] == "/w/brand/sample/"
    assert owner_client.cookies["django_language"].value == "zh-hans"
    owner.refresh_from_db()
    assert owner.language == "zh-hans"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "javascript:x"])
def test_switch_leads_nowhere_else(client: Client, db: None, target: str) -> None:
    answer = client.post("/language/", {"language": "en", "next": target})
    assert answer.headers["Location"] == "/"


def test_times_are_in_the_persons_zone(
    owner_client: Client, owner: User, workspace: Workspace
) -> None:
    owner.timezone = "No/Where"
    owner.save()
    assert owner_client.get("/w/brand/sample/").status_code == 200
