"""Forms as sources (contacts.provenance), and their names there."""

from collections.abc import Collection, Mapping

from django.utils.translation import gettext_lazy as _

from accounts.models import Workspace
from contacts.provenance import Source
from contacts.sources import SourceKind, kinds
from signups.models import SignupForm

FORM = "form"


def of(form: SignupForm) -> Source:
    """The source of what a confirmed sign-up makes and changes, and of the form's mails."""
    return Source(FORM, form.pk)


def names(workspace: Workspace, numbers: Collection[int]) -> Mapping[int, str]:
    forms = SignupForm.objects.filter(workspace=workspace, pk__in=numbers)
    return dict(forms.values_list("pk", "name"))


kinds.add(SourceKind(FORM, _("Form {number}"), names, page="signup_form"))
