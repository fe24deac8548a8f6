"""The builder's form: it checks what a form for sign-ups is made of."""

from dataclasses import dataclass, replace
from typing import Any, cast
from urllib.parse import urlsplit

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts.models import Attribute, List
from pages import publicwords
from pages.oneline import one_line
from pages.singleline import SingleLine
from signups import formfields
from signups.fieldvalues import NO_FIELD
from signups.formfields import ATTRIBUTE, LONGEST_HELP, LONGEST_LABEL, MOST, FormField
from signups.models import SignupForm
from signups.queries import routes

TEXTS = ("title", "intro", "consent", "button", "thanks")
# Names of the controls of a row: "label:first_name".
ORDER, USED, REQUIRED, LABEL, HELP = "order", "used", "required", "label", "help"
OF_CONTACT = {
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "full_name": gettext_lazy("Full name"),
}
OURS = gettext_lazy("Leave it empty for our text, in ten languages.")
UP, DOWN = "up", "down"
STEPS = {UP: -1, DOWN: 1}


@dataclass(frozen=True, slots=True)
class FieldRow:
    """A field that the form may ask for, as the builder shows it. `name`: what the workspace calls
    it."""

    field: FormField
    name: str
    used: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class ShownField:
    """`type`: of contacts.models.Attribute; that of a name is "text"."""

    name: str
    type: str


def shown_fields(workspace: Workspace) -> dict[str, ShownField]:
    """{key: how it is shown} of all fields that a form may have asked for."""
    own = Attribute.objects.filter(workspace=workspace)
    found = {key: ShownField(str(label), "text") for key, label in OF_CONTACT.items()}
    return found | {f"{ATTRIBUTE}{one.key}": ShownField(one.label, one.type) for one in own}


def field_names(workspace: Workspace) -> dict[str, str]:
    """{key: name} of all fields that a form may ask for."""
    own = Attribute.objects.filter(workspace=workspace).exclude(type=NO_FIELD)
    attributes = {f"{ATTRIBUTE}{one.key}": one.label for one in own}
    return {key: str(label) for key, label in OF_CONTACT.items()} | attributes


def _text(label: Any, longest: int, *, rows: int = 0, **options: Any) -> forms.CharField:
    if not rows:
        return SingleLine(label=label, max_length=longest, required=False, **options)
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(
        label=label, max_length=longest, required=False, widget=widget, **options
    )


class BuilderForm(forms.Form):
    """A new form of the workspace, or (`one` given) that one."""

    name = SingleLine(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Only you and your colleagues see it."),
        error_messages={"required": gettext_lazy("Enter a name.")},
    )
    lists = forms.ModelMultipleChoiceField(
        List.objects.none(),
        label=gettext_lazy("Lists"),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text=gettext_lazy(
            "If one of them has double opt-in, people confirm by a mail before anything changes."
        ),
        error_messages={"required": gettext_lazy("Choose at least one list.")},
    )
    title = _text(gettext_lazy("Title"), 150, help_text=OURS)
    intro = _text(gettext_lazy("Introduction"), 1000, rows=3)
    consent = _text(
        gettext_lazy("Consent text"),
        1000,
        rows=3,
        help_text=gettext_lazy(
            "Beside a box that people must tick. What they agreed to is kept with their sign-up. "
            "Leave it empty for our text, in ten languages."
        ),
    )
    button = _text(gettext_lazy("Button"), 60, help_text=OURS)
    thanks = _text(gettext_lazy("Text afterwards"), 1000, rows=3, help_text=OURS)
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[
            ("", gettext_lazy("The reader’s")),
            *((code, publicwords.name(code)) for code in publicwords.LANGUAGES),
        ],
        help_text=gettext_lazy("Of everything that you leave empty, and of the mails."),
    )
    redirect_url = _text(
        gettext_lazy("Page afterwards"),
        500,
        help_text=gettext_lazy("An address with https. Empty: our page with the text above."),
    )
    route = forms.ChoiceField(
        label=gettext_lazy("Send mails through"),
        error_messages={"required": gettext_lazy("Choose a relay or a pool.")},
    )

    def __init__(
        self, *args: Any, workspace: Workspace, one: SignupForm | None = None, **kwargs: Any
    ) -> None:
        if one:
            kwargs["initial"] = {
                **{name: getattr(one, name) for name in (*TEXTS, "name", "language")},
                "redirect_url": one.redirect_url,
                "lists": [each.pk for each in one.lists.all()],
                "route": routes.key_of(one),
            }
        super().__init__(*args, **kwargs)
        self._workspace, self._one = workspace, one
        own = List.objects.filter(workspace=workspace)
        shown = own.filter(archived_at=None)
        if one:
            shown = shown | own.filter(pk__in=kwargs["initial"]["lists"])
        self.fields["lists"].queryset = shown.distinct().order_by("name")  # type: ignore[attr-defined]
        known = routes.choices(workspace)
        self.fields["route"].choices = known or [("", "–")]  # type: ignore[attr-defined]
        # Without any, the form can be made, and says that it takes no sign-ups yet.
        self.fields["route"].required = bool(known)
        self.rows = self._rows()

    # Fields --------------------------------------------------------------------------------------

    def _rows(self) -> list[FieldRow]:
        """In the order that was sent or stored; the others after them."""
        names = field_names(self._workspace)
        fields, used = self._sent(names) if self.is_bound else self._stored()
        known = {field.key: field for field in fields if field.key in names}
        every = [*known.values(), *(FormField(key) for key in names if key not in known)]
        return [FieldRow(one, names[one.key], one.key in used) for one in every]

    def _stored(self) -> tuple[list[FormField], set[str]]:
        fields = formfields.read(self._one.fields) if self._one else []
        return fields, {one.key for one in fields}

    def _sent(self, names: dict[str, str]) -> tuple[list[FormField], set[str]]:
        sent = cast("QueryDict", self.data)
        order = [key for key in dict.fromkeys(sent.getlist(ORDER)) if key in names]
        required = set(sent.getlist(REQUIRED))
        fields = [
            FormField(
                key,
                one_line(self.data.get(f"{LABEL}:{key}", "")),
                one_line(self.data.get(f"{HELP}:{key}", "")),
                key in required,
            )
            for key in self._moved(order)
        ]
        return fields, set(sent.getlist(USED))

    def _moved(self, order: list[str]) -> list[str]:
        """After a button for a place up or down, which a browser without scripts sends."""
        for name, step in STEPS.items():
            key = self.data.get(name, "")
            if key in order:
                place = order.index(key)
                order.insert(max(0, place + step), order.pop(place))
        return order

    @property
    def moves(self) -> bool:
        """Whether it was sent only to move a field."""
        return bool(set(STEPS) & set(self.data))

    def used(self) -> list[FormField]:
        return [row.field for row in self.rows if row.used]

    # Checks --------------------------------------------------------------------------------------

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        others = SignupForm.objects.filter(workspace=self._workspace, name=name)
        if others.exclude(pk=self._one.pk if self._one else 0).exists():
            raise ValidationError(_("There is a form with this name already."))
        return name

    def clean_redirect_url(self) -> str:
        url = str(self.cleaned_data["redirect_url"]).strip()
        if not url:
            return ""
        wrong = ValidationError(
            _("Enter an address that begins with https://, such as https://example.com/thanks.")
        )
        try:
            URLValidator(schemes=["https"])(url)
            parts = urlsplit(url)
        except (ValidationError, ValueError) as error:
            raise wrong from error
        if "@" in parts.netloc or ";" in parts.netloc or "," in parts.netloc:
            raise wrong
        return url

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        self.rows = [replace(row, error=_wrong(row)) for row in self.rows]
        for row in self.rows:
            if row.error:
                text = _("{name}: {problem}").format(name=row.name, problem=row.error)
                self.add_error(None, text)
        if len(self.used()) > MOST:
            self.add_error(None, _("A form has 30 fields at most. Untick some."))
        return cleaned

    def values(self) -> dict[str, Any]:
        """For services.forms; without the lists."""
        plain = ("name", *TEXTS, "language", "redirect_url")
        return {
            **{name: self.cleaned_data[name] for name in plain},
            "fields": [one.as_json() for one in self.used()],
            **routes.chosen(self.cleaned_data["route"]),
        }

    def draft(self) -> SignupForm:
        """An unsaved form as it is typed, right or wrong, for the preview."""
        typed = {name: str(self[name].value() or "") for name in TEXTS}
        language = str(self["language"].value() or "")
        fields = [one.as_json() for one in self.used()[:MOST]]
        return SignupForm(
            workspace=self._workspace, fields=fields, language=publicwords.known(language), **typed
        )


def _wrong(row: FieldRow) -> str:
    if not row.used:
        return ""
    if len(row.field.label) > LONGEST_LABEL:
        return _("The label has more than 150 characters. Shorten it.")
    if len(row.field.help) > LONGEST_HELP:
        return _("The help has more than 300 characters. Shorten it.")
    return ""
