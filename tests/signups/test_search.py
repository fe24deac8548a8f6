"""Forms in Ctrl-K, and the merge fields of their mails in designs."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Workspace
from designs import fields, previews
from signups.models import SignupForm

pytestmark = pytest.mark.django_db


def test_a_form_is_found_by_its_name(
    workspace: Workspace, other_workspace: Workspace, form: SignupForm, owner_client: Client
) -> None:
    SignupForm.objects.create(workspace=other_workspace, name="Form of others")
    page = owner_client.get(reverse("search", args=["brand"]), {"q": "form"}).content.decode()
    assert reverse("signup_form", args=["brand", form.pk]) in page
    assert reverse("new_signup_form", args=["brand"]) in page
    assert "Form of others" not in page


def test_designs_know_the_fields_of_these_mails(workspace: Workspace) -> None:
    html = '<p>{{ list_names }} <a href="{{ confirm_url }}">Yes</a> {{ nonsense }}</p>'
    preview = previews.render_preview(workspace, subject="x", html=html)
    unknown = [one.text for one in preview.problems if "nonsense" in one.text]
    named = [one.text for one in preview.problems if "confirm_url" in one.text]
    assert (len(unknown), named) == (1, [])
    assert "https://example.com/" in preview.html
    # In a campaign they have no value.
    assert "confirm_url" not in fields.known(workspace)
    assert {"confirm_url", "list_names"} <= {one.key for one in fields.offered(workspace)}
