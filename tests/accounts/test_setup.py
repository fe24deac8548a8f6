"""The first run: one link, one owner, one workspace."""

import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.exceptions import AlreadySetUpError
from accounts.models import Membership, User, Workspace
from accounts.permissions import Role
from accounts.services import setup as setup_service
from accounts.services import workspaces
from tests.accounts.conftest import words
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

GIVEN = {
    "name": "王伟",
    "email": "Wei@Brand.Example",
    "password": PASSWORD,
    "workspace_name": "Spring & Co",
    "timezone": "Asia/Shanghai",
    "language": "zh-hans",
}


IN_CHINESE = {"Accept-Language": "zh-CN"}


def path() -> str:
    return services.setup_link().removeprefix(settings.PUBLIC_URL)


@pytest.mark.usefixtures("real_hashers")
def test_owner_and_workspace_are_made_and_the_owner_is_logged_in(nobody: Client) -> None:
    link = path()
    answer = nobody.post(link, GIVEN)
    user = User.objects.get()
    workspace = Workspace.objects.get()
    assert (user.name, user.email, user.language) == ("王伟", "wei@brand.example", "zh-hans")
    assert user.password.startswith("argon2$")
    assert user.can_create_workspaces
    assert (workspace.name, workspace.slug) == ("Spring & Co", "spring-co")
    assert workspace.timezone == user.timezone == "Asia/Shanghai"
    assert Membership.objects.get().role == Role.OWNER
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/w/spring-co/")
    assert nobody.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize("email", ["wei", "wei@brand", "wei@@brand.example"])
def test_an_address_that_is_none_is_answered_by_what_to_do(nobody: Client, email: str) -> None:
    page = words(nobody.post(path(), {**GIVEN, "language": "", "email": email}))
    assert "Enter a complete e-mail address, such as name@company.com." in page
    assert "email address" not in page.replace("e-mail address", "")
    chinese = nobody.post(path(), {**GIVEN, "language": "", "email": email}, headers=IN_CHINESE)
    assert "邮箱地址：请输入完整的邮箱地址，例如 name@company.com。" in words(chinese)


def test_the_link_works_once(nobody: Client) -> None:
    link = path()
    nobody.post(link, GIVEN)
    again = Client()
    for answer in (again.get(link), again.post(link, {**GIVEN, "email": "eve@x.example"})):
        assert answer.status_code == 410
        assert "This link has been used" in words(answer)
    assert User.objects.count() == 1
    assert services.setup_link() == ""


def test_two_submits_at_once_make_one_owner(transactional_db: None) -> None:
    barrier = threading.Barrier(2)
    refused: list[Exception] = []

    def submit(number: int) -> None:
        barrier.wait()
        try:
            setup_service.set_up(**{**GIVEN, "email": f"o{number}@brand.example"})
        except AlreadySetUpError as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit, args=[n]) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (User.objects.count(), Workspace.objects.count(), len(refused)) == (1, 1, 1)


@pytest.mark.parametrize("token", ["owner", "owner.1.x", "owner.aaaaaa.bbbb", "x" * 300])
def test_a_link_that_we_did_not_make(nobody: Client, token: str) -> None:
    answer = nobody.get(f"/setup/{token}/")
    assert answer.status_code == 404
    assert "manage.py setup_link" in words(answer)


def test_an_old_link(nobody: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    then = timezone.now() - timedelta(days=setup_service.DAYS, minutes=1)
    with monkeypatch.context() as clock:
        clock.setattr("time.time", then.timestamp)
        link = path()
    assert nobody.post(link, GIVEN).status_code == 404
    assert not User.objects.exists()


def test_what_was_typed_stays_with_a_sentence_beside_the_field(nobody: Client) -> None:
    wrong = {**GIVEN, "timezone": "Atlantis", "password": "12345678", "email": "wei@"}
    page = words(nobody.post(path(), wrong))
    assert "Choose a time zone from the list, such as Asia/Shanghai." in page
    assert 'value="Atlantis"' in page
    assert 'value="Spring &amp; Co"' in page
    assert "12345678" not in page
    assert page.count('aria-invalid="true"') == 3
    assert not User.objects.exists()


def test_a_zone_is_found_by_its_city(nobody: Client) -> None:
    nobody.post(path(), {**GIVEN, "timezone": "上海"}, headers={"Accept-Language": "zh-CN"})
    assert User.objects.get().timezone == "Asia/Shanghai"


def test_hooks_run_in_the_transaction(monkeypatch: pytest.MonkeyPatch, nobody: Client) -> None:
    def fail(workspace: Workspace) -> None:
        raise RuntimeError(workspace.slug)

    monkeypatch.setattr(workspaces, "on_created", [fail])
    with pytest.raises(RuntimeError, match="spring-co"):
        nobody.post(path(), GIVEN)
    assert not User.objects.exists()
    assert not Workspace.objects.exists()


def test_the_command_prints_the_link_as_long_as_there_is_no_account(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("setup_link")
    assert capsys.readouterr().out.startswith(f"{settings.PUBLIC_URL}/setup/owner.")
    User.objects.create_user("a@x.example", PASSWORD)
    call_command("setup_link")
    assert capsys.readouterr().out == ""
