"""The file of rejected lines and of values that were left out."""

import csv

import pytest

from accounts.models import Workspace
from contacts.services import rejectfile
from tests.contacts.test_imports import chosen, ran, received

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_line_with_several_bad_values_is_stored_once(workspace: Workspace) -> None:
    """Hundreds of columns may be bad in each line."""
    data = "email,a,b,c\nann@b.example,x,y,z\nwrong,x,2,3\nbo@b.example,1,y,3\n"
    mapping = ["email", *(f"new:{key}:number" for key in "abc")]
    file = chosen(received(workspace, data), mapping=mapping)
    assert ran(file)["unusable"] == 4
    ann, bo = ["ann@b.example", "x", "y", "z"], ["bo@b.example", "1", "y", "3"]
    wrong = ["wrong", "x", "2", "3"]
    stored = file.rejects.order_by("line", "id").values_list("line", "value", "cells")
    assert list(stored) == [
        (2, "x", ann),
        (2, "y", []),
        (2, "z", []),
        (3, "wrong", wrong),
        (4, "y", bo),
    ]
    text = b"".join(rejectfile.stream(file)).decode("utf-8-sig")
    _header, *lines = csv.reader(text.splitlines())
    assert [line[4:] for line in lines] == [ann, ann, ann, wrong, bo]
