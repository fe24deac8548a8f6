"""When the columns page opens the settings how the file is read."""

import re

import pytest
from django.test import Client

from accounts.models import Workspace
from contacts.services import importuploads

pytestmark = pytest.mark.django_db

GERMAN = "email,name\njörg@x.example,Jörg\n"
CHINESE = "邮箱,姓名,城市\n" + "".join(f"p{n}@x.example,王小明,上海\n" for n in range(9))
DATES = "email,since\na@x.example,{}\nb@x.example,4/6/2024\n"


def is_open(page: str) -> bool:
    found = re.search(r"<details class=\"card advanced\"( open)?>", page)
    assert found
    return bool(found[1])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"email,name\na@x.example,Ann\n", False),
        (GERMAN.encode(), False),
        (GERMAN.encode("cp1252"), True),
        (CHINESE.encode("gb18030"), False),
        ("邮箱,姓名\na@x.example,王\n".encode("gb18030"), True),
        (("邮箱,姓名\na@x.example,王\n" * 20).encode("utf-16"), False),
        (b"email,name\na@x.example,\xff\xfe\n" + "ä".encode() * 50, True),
        # No column holds the address.
        (b"name,town\nAnn,Bath\n", True),
        # Which number is the day?
        (DATES.format("3/5/2024").encode(), True),
        (DATES.format("3/25/2024").encode(), False),
        (DATES.format("2024-05-03").encode(), True),
        (b"email,since\na@x.example,2024-05-03\nb@x.example,\n", False),
    ],
)
def test_open_only_in_doubt(
    workspace: Workspace, owner_client: Client, data: bytes, expected: bool
) -> None:
    file = importuploads.receive(workspace, filename="x.csv", pieces=[data], by=None, limit=1 << 20)
    page = owner_client.get(f"/w/brand/imports/{file.pk}/").content.decode()
    assert is_open(page) is expected


def test_it_stays_open_while_it_is_changed_and_after_an_error(
    workspace: Workspace, owner_client: Client
) -> None:
    data = b"email,name\na@x.example,Ann\n"
    file = importuploads.receive(workspace, filename="x.csv", pieces=[data], by=None, limit=1 << 20)
    at = f"/w/brand/imports/{file.pk}/"
    form = {"encoding": "utf-8", "delimiter": "comma", "header": "1", "consent": "explicit"}
    form |= {"known": "fill", "column_0": "email", "column_1": ""}
    assert is_open(owner_client.post(f"{at}columns/", form | {"reread": "1"}).content.decode())
    wrong = owner_client.post(f"{at}columns/", form | {"encoding": "ebcdic"}).content.decode()
    assert is_open(wrong)
    other = owner_client.post(f"{at}columns/", form | {"known": "no"}).content.decode()
    assert not is_open(other)
