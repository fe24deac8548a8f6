"""What people type about themselves and their workspaces, checked before a service gets it."""

from typing import Any, cast

import allauth.account.forms
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts import notices, timezones
from accounts.models import User

LANGUAGES = (
    ("", _("As the browser asks")),
    *((code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES),
)


class PasswordInput(forms.PasswordInput):
    """A password that the person may look at while typing (frontend/src/accounts.js)."""

    def __init__(self, *, new: bool) -> None:
        complete = "new-password" if new else "current-password"
        words = {"data-reveal-show": _("Show"), "data-reveal-hide": _("Hide")}
        super().__init__({"autocomplete": complete, "data-reveal": True, **words})


class NewPasswordField(forms.CharField):
    """Checked against the rules of settings.AUTH_PASSWORD_VALIDATORS, with what is known of the
    person by `check`."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Password"))
        options.setdefault("help_text", _("At least 8 characters. A few words are easy to keep."))
        super().__init__(strip=False, max_length=128, widget=PasswordInput(new=True), **options)


def check_password(form: forms.Form, field: str, user: User) -> None:
    """Adds what the rules find to the field's errors."""
    if password := form.cleaned_data.get(field):
        try:
            validate_password(password, user)
        except ValidationError as error:
            form.add_error(field, error)


class TimeZoneField(forms.CharField):
    """A zone by its name or city. The page includes accounts/parts/zones.html, whose list the
    control offers while one types."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Time zone"))
        options.setdefault("help_text", _("Type a city, such as Shanghai, and choose."))
        widget = forms.TextInput(
            {"list": "zones", "autocomplete": "off", "spellcheck": "false", "data-zones": True}
        )
        super().__init__(max_length=64, widget=widget, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if text and not (text := timezones.find(text)):
            raise ValidationError(_("Choose a time zone from the list, such as Asia/Shanghai."))
        return str(text)


class LoginForm(allauth.account.forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = forms.EmailField(
            label=_("E-mail address"),
            widget=forms.EmailInput({"autocomplete": "username", "autofocus": True}),
        )
        self.fields["password"] = forms.CharField(
            label=_("Password"), strip=False, max_length=128, widget=PasswordInput(new=False)
        )


class ResetForm(allauth.account.forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = forms.EmailField(
            label=_("E-mail address"),
            widget=forms.EmailInput({"autocomplete": "username", "autofocus": True}),
        )

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Raises MailNotSentError, for addresses with and without an account alike."""
        notices.check_server()
        return str(super().save(request, **kwargs))


class NewPasswordForm(allauth.account.forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """Chosen after a reset by mail. Typed once: it can be looked at, and reset again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        self.fields["password1"] = NewPasswordField(label=_("New password"))

    def clean(self) -> dict[str, Any]:
        cleaned = cast("dict[str, Any]", super().clean())
        check_password(self, "password1", self.user)
        return cleaned


class ChangePasswordForm(forms.Form):
    current = forms.CharField(
        label=_("Current password"),
        strip=False,
        max_length=128,
        widget=PasswordInput(new=False),
    )
    password = NewPasswordField(label=_("New password"))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_current(self) -> str:
        current = str(self.cleaned_data["current"])
        if not self.user.check_password(current):
            raise ValidationError(_("That isn't your current password."))
        return current

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        check_password(self, "password", self.user)
        return cleaned


class PersonForm(forms.Form):
    """Who somebody is: the same for the first account, a newcomer and the profile."""

    name = forms.CharField(
        label=_("Your name"), max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    timezone = TimeZoneField()
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)


class NewcomerForm(PersonForm):
    """An account for somebody who was invited: the address is known."""

    password = NewPasswordField()
    field_order = ("name", "password", "timezone", "language")

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        known = User(email=self.email, name=cleaned.get("name", ""))
        check_password(self, "password", known)
        return cleaned


class SetUpForm(PersonForm):
    """The owner's account and the first workspace."""

    email = forms.EmailField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "username"})
    )
    password = NewPasswordField()
    workspace_name = forms.CharField(
        label=_("Name of the workspace"),
        max_length=100,
        help_text=_("A brand or client: its contacts, designs and campaigns. Can be changed."),
    )
    field_order = ("name", "email", "password", "workspace_name", "timezone", "language")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        known = User(email=cleaned.get("email", ""), name=cleaned.get("name", ""))
        check_password(self, "password", known)
        return cleaned
