"""Forms about people, members and workspaces."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import allauth.account.forms
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from accounts import afterwards, markets, notices, timezones
from accounts.models import User, Workspace
from accounts.opencounting import SUMMARIES as SUMMARY_OF
from accounts.opencounting import OpenCounting
from accounts.permissions import SUMMARIES, Role
from accounts.services import workspaces
from pages.singleline import SingleLine

LANGUAGES = (
    ("", _("Same as the browser")),
    *((code, get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES),
)


class PasswordInput(forms.PasswordInput):
    """A password that the person may look at while typing (frontend/src/accounts.js)."""

    def __init__(self, *, new: bool) -> None:
        complete = "new-password" if new else "current-password"
        words = {"data-reveal-show": _("Show"), "data-reveal-hide": _("Hide")}
        super().__init__({"autocomplete": complete, "data-reveal": True, **words})


class EmailAddressField(forms.EmailField):
    """An e-mail field whose error says what to enter."""

    default_error_messages = {  # noqa: RUF012 - as Django declares it
        "invalid": _("Enter a complete e-mail address, such as name@company.com."),
    }


class NewPasswordField(forms.CharField):
    """A new password. The form calls `check_password`, which applies AUTH_PASSWORD_VALIDATORS."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Password"))
        options.setdefault(
            "help_text", _("At least 8 characters. A few words together are easy to remember.")
        )
        super().__init__(strip=False, max_length=128, widget=PasswordInput(new=True), **options)


def check_password(form: forms.Form, field: str, user: User) -> None:
    """Adds the errors of settings.AUTH_PASSWORD_VALIDATORS to the field. The validators compare the
    password with the name and address of `user`."""
    if password := form.cleaned_data.get(field):
        try:
            validate_password(password, user)
        except ValidationError as error:
            form.add_error(field, error)


class TimeZoneField(SingleLine):
    """A time zone, entered by its name or city. The page includes accounts/parts/zones.html: the
    control offers that list while the person types."""

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


class OpenCountingField(forms.ChoiceField):
    """A way of counting opens. Nothing chosen is no answer: what was chosen before stays."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("label", _("Count opens"))
        widget = forms.RadioSelect({"class": "form-check-input"})
        super().__init__(choices=self._choices, widget=widget, required=False, **options)

    @staticmethod
    def _choices() -> list[tuple[str, str]]:
        return [
            (way.value, format_html("{}<br><small>{}</small>", way.label, SUMMARY_OF[way]))
            for way in OpenCounting
        ]


class LoginForm(allauth.account.forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = EmailAddressField(
            label=_("E-mail address"),
            widget=forms.EmailInput({"autocomplete": "username", "autofocus": True}),
        )
        self.fields["password"] = forms.CharField(
            label=_("Password"), strip=False, max_length=128, widget=PasswordInput(new=False)
        )


class ResetForm(allauth.account.forms.ResetPasswordForm):  # type: ignore[misc]
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = EmailAddressField(
            label=_("E-mail address"),
            widget=forms.EmailInput({"autocomplete": "username", "autofocus": True}),
        )

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Raises MailNotSentError whether or not the address has an account. The mail is sent after
        the response, so that its time doesn't tell either."""
        notices.check_server()
        afterwards.run(partial(super().save, request, **kwargs))
        return str(self.cleaned_data["email"])


class NewPasswordForm(allauth.account.forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """The new password after a reset by mail. One field is enough: the person can show the password
    while typing, and can reset it again."""

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
    """Fields about a person, shared by the first account, invited people and the profile."""

    name = SingleLine(
        label=_("Your name"), max_length=150, widget=forms.TextInput({"autocomplete": "name"})
    )
    timezone = TimeZoneField()
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)


class NewcomerForm(PersonForm):
    """An account for an invited person, whose address is known."""

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

    email = EmailAddressField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "username"})
    )
    password = NewPasswordField()
    workspace_name = SingleLine(
        label=_("Name of the workspace"),
        max_length=100,
        help_text=_(
            "A brand or client with its contacts, designs and campaigns. You can rename it later."
        ),
    )
    field_order = ("name", "email", "password", "workspace_name", "timezone", "language")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        known = User(email=cleaned.get("email", ""), name=cleaned.get("name", ""))
        check_password(self, "password", known)
        return cleaned


class ProfileForm(PersonForm):
    """The page shows the address, but it can't be changed: invitations and log-ins depend on it."""


class NewWorkspaceForm(forms.Form):
    name = SingleLine(
        label=_("Name"),
        max_length=100,
        help_text=_("The brand or client. You can change the name later."),
    )
    timezone = TimeZoneField(
        help_text=_(
            "Campaigns are scheduled in this time zone. Type a city, such as Shanghai, and choose."
        )
    )


class WorkspaceForm(forms.Form):
    """The settings of a workspace."""

    name = SingleLine(label=_("Name"), max_length=100)
    slug = SingleLine(
        label=_("Short name"),
        max_length=workspaces.MAX_SLUG,
        validators=[
            RegexValidator(
                r"^[a-z0-9]+(-[a-z0-9]+)*\Z",
                _("Use lowercase letters a to z, digits and single dashes, such as my-brand."),
            )
        ],
        help_text=_("Part of every URL of the workspace: changing it breaks bookmarks."),
    )
    timezone = TimeZoneField(
        help_text=_(
            "Campaigns are scheduled in this time zone. Type a city, such as Shanghai, and choose."
        )
    )
    from_name = SingleLine(
        label=_("Sender name"),
        max_length=100,
        required=False,
        help_text=_("The default in new campaigns."),
    )
    from_email = EmailAddressField(
        label=_("Sender address"), required=False, help_text=_("The default in new campaigns.")
    )
    postal_address = forms.CharField(
        label=_("Postal address"),
        max_length=300,
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_(
            "For the footer of mails; many countries require it. "
            "Designs can use it as a merge field."
        ),
    )
    brand_color = SingleLine(
        label=_("Brand colour"),
        max_length=7,
        required=False,
        validators=[
            RegexValidator(r"^#[0-9a-fA-F]{6}\Z", _("Write it as # and six digits, like #1f6f78."))
        ],
        widget=forms.TextInput({"placeholder": "#1f6f78", "data-color": True}),
        help_text=_("Marks the workspace in the switcher."),
    )

    open_counting = OpenCountingField(
        help_text=_("The default in new campaigns. A small picture in the mail shows an open.")
    )
    default_market = forms.ChoiceField(
        label=_("Default market"),
        required=False,
        choices=lambda: [
            ("", _("No market")),
            *((one.key, one.name) for one in markets.markets().values()),
        ],
        help_text=_(
            "The rules of this market apply to contacts whose country is unknown. In China, for"
            " example, the subject of advertising begins with 广告 or AD."
        ),
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        kwargs["initial"] = {name: getattr(workspace, name) for name in workspaces.CHANGEABLE}
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_open_counting(self) -> str:
        return str(self.cleaned_data["open_counting"] or self.workspace.open_counting)

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        if Workspace.objects.filter(slug=slug).exclude(pk=self.workspace.pk).exists():
            raise ValidationError(
                _("Another workspace has this short name. Choose a different one.")
            )
        return slug


class DeleteWorkspaceForm(forms.Form):
    """The person types the short name, so that nobody deletes a workspace by accident."""

    slug = SingleLine(
        label=_("Short name"),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.workspace = workspace

    def clean_slug(self) -> str:
        slug = str(self.cleaned_data["slug"])
        if slug != self.workspace.slug:
            words = _("Type {slug} to delete the workspace.")
            raise ValidationError(words.format(slug=self.workspace.slug))
        return slug


class RoleForm(forms.Form):
    """One of the roles that the person may give."""

    role = forms.ChoiceField(
        label=_("Role"), widget=forms.RadioSelect({"class": "form-check-input"})
    )

    def __init__(self, *args: Any, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = cast("forms.ChoiceField", self.fields["role"])
        field.choices = [
            (role.value, format_html("{}<br><small>{}</small>", role.label, SUMMARIES[role]))
            for role in roles
        ]


class InvitationForm(RoleForm):
    email = EmailAddressField(
        label=_("E-mail address"), widget=forms.EmailInput({"autocomplete": "off"})
    )
    field_order = ("email", "role")
