"""The part of a list's form about sign-ups (contacts.listsettings)."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Workspace
from contacts.listsettings import ListSettings
from contacts.models import List
from designs.models import Design
from signups.mailtexts import CONFIRM_URL
from signups.models import SignupRules
from signups.services import rules

OPT_IN, CONFIRMATION = "signups_opt_in", "signups_confirmation"
WELCOME, WELCOME_DESIGN = "signups_welcome", "signups_welcome_design"
DOUBLE, SINGLE = "double", "single"
TICK = {"class": "form-check-input"}


def _design(workspace: Workspace, present: int | None, **options: Any) -> forms.Field:
    """A choice of the designs in use, and the present one."""
    own = Design.objects.filter(workspace=workspace)
    shown = own.filter(archived_at=None) | own.filter(pk=present or 0)
    return forms.ModelChoiceField(
        shown.order_by("name"), required=False, initial=present, **options
    )


def fields(workspace: Workspace, one: List | None) -> Mapping[str, forms.Field]:
    now = rules.of(one) if one else SignupRules()
    return {
        OPT_IN: forms.ChoiceField(
            label=gettext_lazy("Sign-ups by a form"),
            required=False,
            initial=DOUBLE if now.double_opt_in else SINGLE,
            widget=forms.RadioSelect(attrs=TICK),
            choices=(
                (DOUBLE, gettext_lazy("Double opt-in: people confirm by a link in a mail")),
                (SINGLE, gettext_lazy("Single opt-in: people are subscribed at once")),
            ),
            help_text=gettext_lazy(
                "With single opt-in, anybody can sign up somebody else’s address. Whoever "
                "unsubscribed before is asked by mail in any case."
            ),
        ),
        CONFIRMATION: _design(
            workspace,
            now.confirmation_design_id,
            label=gettext_lazy("Confirmation mail"),
            empty_label=gettext_lazy("Our text, in the person’s language"),
            help_text=gettext_lazy("A design needs a link to {{ confirm_url }}."),
        ),
        WELCOME: forms.ChoiceField(
            label=gettext_lazy("Welcome mail"),
            required=False,
            initial=now.welcome,
            choices=SignupRules.Welcome.choices,
            help_text=gettext_lazy("Sent once to whoever is new on the list."),
        ),
        WELCOME_DESIGN: _design(
            workspace,
            now.welcome_design_id,
            label=gettext_lazy("Design of the welcome mail"),
            empty_label="–",
        ),
    }


def check(cleaned: Mapping[str, Any]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    design = cleaned.get(CONFIRMATION)
    if design is not None and not rules.has_link(design):
        found[CONFIRMATION] = _(
            "This design has no link to {name}, so nobody could confirm. Add a link or a button to "
            "it, or choose another design."
        ).format(name=f"{{{{ {CONFIRM_URL} }}}}")
    if (problem := rules.problem_of(design)) and CONFIRMATION not in found:
        found[CONFIRMATION] = problem
    is_design = cleaned.get(WELCOME) == SignupRules.Welcome.DESIGN
    if is_design and cleaned.get(WELCOME_DESIGN) is None:
        found[WELCOME_DESIGN] = _("Choose a design, or another welcome mail.")
    elif is_design and (problem := rules.problem_of(cleaned.get(WELCOME_DESIGN))):
        found[WELCOME_DESIGN] = problem
    return found


def save(one: List, cleaned: Mapping[str, Any]) -> None:
    rules.change(
        one,
        double_opt_in=cleaned[OPT_IN] != SINGLE,
        confirmation_design=cleaned[CONFIRMATION],
        welcome=cleaned[WELCOME] or SignupRules.Welcome.NONE,
        welcome_design=cleaned[WELCOME_DESIGN],
    )


SETTINGS = ListSettings("signups", fields, check, save, "signups/parts/list_fields.html")
