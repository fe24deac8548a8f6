"""The part of a list's form about sign-ups (contacts.listsettings)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from accounts.models import Workspace
from contacts.listsettings import ListSettings
from contacts.models import List
from designs.models import Design
from pages import publicwords
from signups import mailtexts
from signups.mailtexts import CONFIRM_URL, LIST, LISTS, MailText
from signups.models import SignupRules
from signups.services import rules

OPT_IN, CONFIRMATION = "signups_opt_in", "signups_confirmation"
WELCOME, WELCOME_DESIGN = "signups_welcome", "signups_welcome_design"
DOUBLE, SINGLE = "double", "single"
# Forms that the page of a list names.
MOST_FORMS = 50
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
    confirmation = _design(
        workspace,
        now.confirmation_design_id,
        label=gettext_lazy("Confirmation mail"),
        empty_label=gettext_lazy("Our text, in the person’s language"),
        help_text=gettext_lazy("A design needs a link to {{ confirm_url }}."),
    )
    confirmation.our_mail = our_mail(mailtexts.confirmation, workspace, one)  # type: ignore[attr-defined]  # for its template
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
        CONFIRMATION: confirmation,
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


@dataclass(frozen=True, slots=True)
class OurMail:
    """One of our own mails as text, with examples for what it names."""

    language: str
    subject: str
    text: str


def our_mail(
    make: Callable[[str], MailText], workspace: Workspace, one: List | None = None
) -> OurMail:
    """In the language of the list, or else of the person who looks at it."""
    language = publicwords.choose([one.language if one else "", get_language() or ""])
    text = make(language)
    name = one.name if one else _("Newsletter")
    examples = {
        "{{ workspace.name }}": workspace.name,
        "{{ workspace.address }}": workspace.postal_address,
        f"{{{{ {CONFIRM_URL} }}}}": "https://…",
        "{{ unsubscribe_url }}": "https://…",
        f"{{{{ {LISTS} }}}}": name,
        f"{{{{ {LIST} }}}}": name,
    }
    return OurMail(language, _filled(text.subject, examples), _filled(text.text, examples))


def _filled(text: str, examples: Mapping[str, str]) -> str:
    pattern = re.compile("|".join(map(re.escape, examples)))
    return pattern.sub(lambda found: examples[found[0]], text).strip()


def show(one: List) -> Mapping[str, Any]:
    """For the page of the list."""
    return {
        "rules": rules.of(one),
        "forms": list(one.signup_forms.order_by("name")[:MOST_FORMS]),
        "confirmation": our_mail(mailtexts.confirmation, one.workspace, one),
        "welcome": our_mail(mailtexts.welcome, one.workspace, one),
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


SETTINGS = ListSettings(
    "signups",
    fields,
    check,
    save,
    "signups/parts/list_fields.html",
    "signups/parts/list_page.html",
    show,
)
