"""Public URLs of forms, and the pages of a workspace about them."""

from django.urls import path, register_converter
from django.urls.converters import SlugConverter

from signups.views import public


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
]
