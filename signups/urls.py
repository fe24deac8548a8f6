"""Public URLs of forms, and the pages of a workspace about them."""

from django.urls import path, register_converter
from django.urls.converters import SlugConverter

from accounts.access import workspace_path
from accounts.permissions import Permission
from signups.views import forms, public

VIEW, EDIT = Permission.VIEW, Permission.EDIT_CONTACTS


class FormKey(SlugConverter):
    """A key of signups.models.new_key."""

    regex = "[-_a-zA-Z0-9]{22}"


class SignupToken(SlugConverter):
    """A token of signups.links; non-ASCII words behind it are ignored (tracking.urls)."""

    regex = r"[0-9a-f]{34,48}(?:[^\x00-\x7f].*)?"

    def to_python(self, value: str) -> str:
        return value.encode("ascii", "replace").decode().partition("?")[0]


register_converter(FormKey, "form_key")
register_converter(SignupToken, "signup_token")

urlpatterns = [
    path("f/confirm/<signup_token:token>", public.confirm, name="confirm_signup"),
    path("f/<form_key:key>.js", public.signup_script, name="signup_script"),
    path("f/<form_key:key>", public.signup, name="signup"),
    workspace_path("forms/", forms.signup_forms, permission=VIEW, name="signup_forms"),
    workspace_path("forms/new/", forms.new_signup_form, permission=EDIT, name="new_signup_form"),
    workspace_path(
        "forms/preview/", forms.preview_signup_form, permission=EDIT, name="preview_signup_form"
    ),
    workspace_path("forms/<int:pk>/", forms.signup_form, permission=VIEW, name="signup_form"),
    workspace_path(
        "forms/<int:pk>/edit/", forms.edit_signup_form, permission=EDIT, name="edit_signup_form"
    ),
    workspace_path(
        "forms/<int:pk>/toggle/",
        forms.toggle_signup_form,
        permission=EDIT,
        name="toggle_signup_form",
    ),
    workspace_path(
        "forms/<int:pk>/signups/", forms.form_signups, permission=VIEW, name="form_signups"
    ),
]
