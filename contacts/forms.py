"""Forms of contacts: they check input before services get it."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from contacts import addresses, attributeforms, csvdetect, encodings, listsettings, tagnames
from contacts.models import Attribute, Contact, Import, List, Subscription, Tag
from contacts.segmentmodels import Segment
from contacts.services import importchoices, segments
from pages import publicwords
from pages.singleline import SingleLine

PREFIX = "attribute_"
OF_LIST = ("name", "description", "public", "language")


class ContactForm(forms.Form):
    """A person with the workspace's attributes, each with a control for its type."""

    email = SingleLine(label=_("E-mail address"), max_length=320)
    first_name = SingleLine(label=_("First name"), max_length=150, required=False)
    last_name = SingleLine(label=_("Last name"), max_length=150, required=False)
    full_name = SingleLine(
        label=_("Full name"),
        max_length=300,
        required=False,
        help_text=_("Only if it isn't first and last name put together."),
    )

    def __init__(
        self, *args: Any, workspace: Workspace, contact: Contact | None = None, **kwargs: Any
    ) -> None:
        self.attributes = list(Attribute.objects.filter(workspace=workspace))
        if contact:
            kwargs["initial"] = self._initial(contact)
        super().__init__(*args, **kwargs)
        for attribute in self.attributes:
            stored = contact.attributes.get(attribute.key) if contact else None
            self.fields[PREFIX + attribute.key] = attributeforms.value_field(attribute, stored)
        if contact is None:
            self.fields["lists"] = forms.ModelMultipleChoiceField(
                List.objects.filter(workspace=workspace, archived_at=None).order_by("name"),
                label=_("Add to these lists"),
                required=False,
                widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
            )

    def _initial(self, contact: Contact) -> dict[str, Any]:
        initial: dict[str, Any] = {
            "email": addresses.display(contact.email),
            "first_name": contact.first_name,
            "last_name": contact.last_name,
            "full_name": contact.full_name,
        }
        for one in self.attributes:
            stored = contact.attributes.get(one.key)
            initial[PREFIX + one.key] = attributeforms.initial_value(one, stored)
        return initial

    def clean_email(self) -> str:
        try:
            return addresses.normalise(self.cleaned_data["email"])
        except addresses.AddressError as error:
            raise ValidationError(str(error)) from error

    def attribute_groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The fields of attributes by their group, in their order."""
        grouped = groupby(self.attributes, lambda attribute: attribute.group)
        return [(name, [self[PREFIX + one.key] for one in some]) for name, some in grouped]

    def names(self) -> dict[str, str]:
        return {n: self.cleaned_data[n] for n in ("first_name", "last_name", "full_name")}

    def attribute_values(self) -> dict[str, Any]:
        return {a.key: self.cleaned_data.get(PREFIX + a.key) for a in self.attributes}


class ListForm(forms.Form):
    """A new list of the workspace, or (`one` given) that one. Apps to the right add fields
    (contacts.listsettings)."""

    name = SingleLine(label=_("Name"), max_length=100)
    description = SingleLine(
        label=_("Description"),
        max_length=300,
        required=False,
        help_text=_("Recipients see name and description where they unsubscribe."),
    )
    public = forms.BooleanField(
        label=_("Public"),
        required=False,
        help_text=_(
            "Recipients see it in the preference centre and can subscribe there by themselves. A "
            "private list is shown only to its subscribers."
        ),
    )
    language = forms.ChoiceField(
        label=_("Language of its mails"),
        required=False,
        choices=[
            ("", _("Not said")),
            *((code, publicwords.name(code)) for code in publicwords.LANGUAGES),
        ],
    )

    def __init__(
        self, *args: Any, workspace: Workspace, one: List | None = None, **kwargs: Any
    ) -> None:
        if one:
            kwargs["initial"] = {name: getattr(one, name) for name in OF_LIST}
        super().__init__(*args, **kwargs)
        own = List.objects.filter(workspace=workspace)
        self._others = own.exclude(pk=one.pk) if one else own
        self.settings = list(listsettings.kinds)
        self._names: dict[str, list[str]] = {}
        for kind in self.settings:
            fields = kind.fields(workspace, one)
            self._names[kind.key] = list(fields)
            self.fields.update(fields)

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if self._others.filter(name=name).exists():
            raise ValidationError(_("There is a list with this name already."))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for kind in self.settings:
            for name, error in kind.check(cleaned).items():
                self.add_error(name, error)
        return cleaned

    def own(self) -> dict[str, Any]:
        """The values of the list itself."""
        return {name: self.cleaned_data[name] for name in OF_LIST}

    def save_settings(self, one: List) -> None:
        """What other apps keep about it."""
        for kind in self.settings:
            kind.save(one, {name: self.cleaned_data[name] for name in self._names[kind.key]})


class SegmentForm(forms.Form):
    """The name of a new segment, or of `one`. The rule is not part of the form."""

    name = SingleLine(label=_("Name"), max_length=100)

    def __init__(
        self, *args: Any, workspace: Workspace, one: Segment | None = None, **kwargs: Any
    ) -> None:
        if one:
            kwargs["initial"] = {"name": one.name}
        super().__init__(*args, **kwargs)
        self._workspace, self._one = workspace, one

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if segments.is_taken(self._workspace, name, of=self._one.pk if self._one else None):
            raise ValidationError(_("There is a segment with this name already."))
        return name


class SavedViewForm(forms.Form):
    """A view of the table of contacts. `may_share`: whether the person may show it to others."""

    name = SingleLine(label=_("Name"), max_length=100)
    shared = forms.BooleanField(
        label=_("Show it to everybody in the workspace"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )
    begins = forms.BooleanField(
        label=_("Begin with it when I open the contacts"),
        required=False,
        widget=forms.CheckboxInput(attrs={"class": "form-check-input"}),
    )

    def __init__(self, *args: Any, may_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not may_share:
            del self.fields["shared"]


class SavedMappingForm(forms.Form):
    """The name of a saved mapping."""

    name = SingleLine(label=_("Name"), max_length=100)


class TagForm(forms.Form):
    """The name of a tag."""

    name = SingleLine(label=_("Name"), max_length=tagnames.LONGEST)

    def __init__(self, *args: Any, tag: Tag, **kwargs: Any) -> None:
        super().__init__(*args, **{"initial": {"name": tag.name}} | kwargs)


DATES = (
    ("", _("Not known: such dates are left out")),
    ("mdy", _("Month first: 3/5/2024 is March 5")),
    ("dmy", _("Day first: 3/5/2024 is 3 May")),
)
NEW_LIST = "new"
NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
SIGNS = {name: sign for sign, name in NAMES.items()}


def _line_label(line: int, cells: Sequence[str]) -> str:
    shown = " · ".join(text for cell in cells[:20] if (text := " ".join(cell[:100].split())))
    return gettext("Line {number}: {words}").format(number=line, words=Truncator(shown).chars(70))


class ImportForm(forms.Form):
    """How a file is read, and what happens to its rows. The columns are not part of the form."""

    encoding = forms.ChoiceField(
        label=_("Encoding"), choices=[(k, v) for k, v in encodings.ENCODINGS.items()]
    )
    delimiter = forms.ChoiceField(
        label=_("Delimiter"),
        # By name: a tab would be stripped as white space.
        choices=[(NAMES[sign], label) for sign, label in csvdetect.DELIMITERS.items()],
    )
    header = forms.TypedChoiceField(label=_("Column names"), coerce=int)
    dates = forms.ChoiceField(label=_("Dates such as 3/5/2024"), choices=DATES, required=False)
    list = forms.ChoiceField(label=_("Into the list"), required=False)
    new_list = SingleLine(label=_("Name of the new list"), max_length=100, required=False)
    consent = forms.ChoiceField(
        label=_("How these people agreed to get mail"), choices=Subscription.Consent.choices
    )
    consent_text = forms.CharField(
        label=_("The text that they agreed to"),
        required=False,
        max_length=importchoices.LONGEST_CONSENT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_(
            "As it was shown to them, for example beside the box that they ticked. It is kept with "
            "the import and shown on each contact's page."
        ),
        error_messages={"max_length": _("The text may have 4,000 characters.")},
    )
    known = forms.ChoiceField(
        label=_("Contacts you already have"),
        choices=Import.Known.choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        help_text=_("An empty cell never deletes anything."),
    )
    remember = forms.BooleanField(
        label=_("Remember this mapping"),
        required=False,
        help_text=_("The next file with the same column names begins with these choices."),
    )
    mapping_name = SingleLine(label=_("As"), max_length=100, required=False)

    def __init__(
        self,
        *args: Any,
        import_: Import,
        lines: Sequence[tuple[int, Sequence[str]]],
        **kwargs: Any,
    ) -> None:
        """`lines`: the first lines of the file in the current dialect, to choose the header
        from; `initial`: choices that aren't stored with the import."""
        stored = {
            **{name: import_.dialect.get(name, "") for name in ("encoding", "dates")},
            "header": int(import_.dialect.get("header", 1)),
            "delimiter": NAMES[import_.dialect.get("delimiter", ",")],
            "list": NEW_LIST if import_.new_list else import_.list_id or "",
            "new_list": import_.new_list,
            "consent": import_.consent,
            "consent_text": import_.consent_text,
            "known": import_.known,
            "mapping_name": self._mapping_name(import_),
        }
        kwargs["initial"] = stored | dict(kwargs.get("initial", {}))
        super().__init__(*args, **kwargs)
        self.import_ = import_
        if "sheet" in import_.dialect:  # its CSV was written here
            self.fields["encoding"].widget = forms.HiddenInput()
            self.fields["delimiter"].widget = forms.HiddenInput()
        cast("forms.ChoiceField", self.fields["header"]).choices = [
            *((line, _line_label(line, cells)) for line, cells in lines),
            (0, _("No line names the columns")),
        ]
        self.lists = List.objects.filter(workspace_id=import_.workspace_id, archived_at=None)
        cast("forms.ChoiceField", self.fields["list"]).choices = [
            ("", _("No list: only add the contacts")),
            *(
                (str(pk), name)
                for pk, name in self.lists.order_by("name").values_list("pk", "name")
            ),
            (NEW_LIST, _("A new list…")),
        ]

    @staticmethod
    def _mapping_name(import_: Import) -> str:
        if import_.saved_mapping:
            return import_.saved_mapping.name
        return import_.filename.rpartition(".")[0][:100].strip() or import_.filename[:100]

    def clean_delimiter(self) -> str:
        return SIGNS[self.cleaned_data["delimiter"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("remember") and not cleaned.get("mapping_name", "x"):
            self.add_error("mapping_name", _("Enter a name for the mapping."))
        if cleaned.get("list") == NEW_LIST:
            name = cleaned.get("new_list", "").strip()
            if not name:
                self.add_error("new_list", _("Enter a name for the new list."))
            elif self.lists.filter(name=name).exists():
                self.add_error("new_list", _("There is a list with this name already."))
            elif List.objects.filter(workspace_id=self.import_.workspace_id, name=name).exists():
                self.add_error(
                    "new_list",
                    _("An archived list has this name. Bring it back, or choose another name."),
                )
        return cleaned
