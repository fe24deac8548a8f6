"""A person's own settings."""

import pytest
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import words
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another horse battery"


def test_profile_changes_name_zone_and_language(owner: User, owner_client: Client) -> None:
    assert owner.email in words(owner_client.get("/profile/"))
    given = {"name": "王伟", "timezone": "Asia/Shanghai", "language": "zh-hans"}
    answer = owner_client.post("/profile/", given, follow=True)
    owner.refresh_from_db()
    assert (owner.name, owner.timezone, owner.language) == ("王伟", "Asia/Shanghai", "zh-hans")
    assert 'lang="zh-hans"' in words(answer)
    assert "已保存" in words(answer)
    # Same as the browser.
    owner_client.post("/profile/", {**given, "language": ""})
    for asked, shown in [("zh-CN", "zh-hans"), ("en", "en")]:
        page = words(owner_client.get("/profile/", headers={"Accept-Language": asked}))
        assert f'<html lang="{shown}"' in page


def test_the_address_can_not_be_changed(owner: User, owner_client: Client) -> None:
    given = {"name": "A", "timezone": "UTC", "language": "", "email": "evil@x.example"}
    owner_client.post("/profile/", given)
    assert User.objects.get().email == owner.email


def test_an_unknown_zone_keeps_what_was_typed(owner_client: Client) -> None:
    page = words(owner_client.post("/profile/", {"name": "A", "timezone": "Atlantis"}))
    assert "Choose a time zone from the list" in page
    assert 'value="Atlantis"' in page


def test_change_of_the_password_logs_other_browsers_out(owner: User, owner_client: Client) -> None:
    other = Client()
    other.force_login(owner)
    answer = owner_client.post(
        "/password/change/", {"current": PASSWORD, "password": NEW}, follow=True
    )
    assert "Your new password is set." in words(answer)
    assert owner_client.get("/profile/").status_code == 200
    assert other.get("/profile/").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW)


@pytest.mark.parametrize(
    ("current", "password", "sentence"),
    [("wrong", NEW, "current password."), (PASSWORD, "12345678", "too common")],
)
def test_a_password_that_is_refused(
    owner: User, owner_client: Client, current: str, password: str, sentence: str
) -> None:
    page = words(owner_client.post("/password/change/", {"current": current, "password": password}))
    assert sentence in page
    assert password not in page
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_guessing_the_current_password_is_throttled(owner_client: Client) -> None:
    given = {"current": "wrong", "password": NEW}
    answers = [owner_client.post("/password/change/", given) for _ in range(6)]
    assert [a.status_code for a in answers] == [200] * 5 + [429]
    assert owner_client.get("/profile/").status_code == 200
