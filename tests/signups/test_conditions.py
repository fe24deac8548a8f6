"""The condition of segments about forms."""

import datetime as dt
from collections.abc import Callable

import pytest

from accounts.models import Workspace
from contacts.segments.checking import RuleError
from contacts.segments.rules import Condition
from signups.models import Signup, SignupForm
from tests.contacts.segments.scene import NOW, matching
from tests.factories import make_contact

pytestmark = pytest.mark.django_db


def sign_up(form: SignupForm, name: str, *, days: int = 1, state: str = "confirmed") -> None:
    contact = make_contact(form.workspace, f"{name}@x.example")
    Signup.objects.create(
        workspace=form.workspace,
        form=form,
        address=contact.email,
        contact=contact,
        language="en",
        state=state,
        confirmed_at=NOW - dt.timedelta(days=days) if state == "confirmed" else None,
    )


@pytest.mark.parametrize(
    ("operator", "values", "names"),
    [
        ("signed_up", [], {"new", "old"}),
        ("not_signed_up", [], {"waiting", "elsewhere", "nobody"}),
        ("signed_up_last_days", [7], {"new"}),
    ],
)
def test_who_signed_up_by_a_form(
    workspace: Workspace,
    make_form: Callable[..., SignupForm],
    operator: str,
    values: list[int],
    names: set[str],
) -> None:
    one, other = make_form(), make_form()
    sign_up(one, "new")
    sign_up(one, "old", days=30)
    sign_up(one, "waiting", state="unconfirmed")
    sign_up(other, "elsewhere")
    make_contact(workspace, "nobody@x.example")
    condition = Condition("form", str(one.pk), operator, tuple(values))
    assert matching(workspace, condition) == names


def test_a_form_of_another_workspace_is_refused(
    workspace: Workspace, other_workspace: Workspace, form: SignupForm
) -> None:
    make_contact(other_workspace, "a@x.example")
    condition = Condition("form", str(form.pk), "not_signed_up", ())
    with pytest.raises(RuleError):
        matching(other_workspace, condition)
