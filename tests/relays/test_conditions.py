"""The condition about the mail provider of an address."""

import pytest

from accounts.models import Workspace
from tests.contacts.segments.scene import matching, when
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def test_a_provider_has_all_its_domains(workspace: Workspace) -> None:
    for address in ("ann@qq.com", "bob@foxmail.com", "eve@qq.com.example"):
        make_contact(workspace, address)
    assert matching(workspace, when("provider", "", "is", "qq")) == {"ann", "bob"}
    assert matching(workspace, when("provider", "", "is_not", "qq")) == {"eve"}
